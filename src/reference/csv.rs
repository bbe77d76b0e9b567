//! Reads the compiled-in tables without copying: a cell is a slice of the
//! binary unless it holds a doubled quote. Only for tables whose checksum the
//! build has verified; input from outside goes through the `csv` crate.

/// Rows below the header, each with exactly `N` cells.
pub(super) fn rows<const N: usize>(
    text: &'static str,
    header: &'static str,
) -> impl Iterator<Item = [&'static str; N]> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(header), "a reference table must keep its header");
    lines.map(|line| {
        let mut rest = Some(line);
        let cells = std::array::from_fn(|_| {
            let (cell, after) = cell(rest.expect("a row of a reference table must have every cell"));
            rest = after;
            cell
        });
        assert!(rest.is_none(), "a row of a reference table must have no cell too many");
        cells
    })
}

/// The first cell of a line, and what follows its comma.
fn cell(line: &'static str) -> (&'static str, Option<&'static str>) {
    let Some(quoted) = line.strip_prefix('"') else {
        return match line.split_once(',') {
            Some((cell, rest)) => (cell, Some(rest)),
            None => (line, None),
        };
    };
    let mut from = 0;
    let mut doubled = false;
    loop {
        let quote = from + quoted[from..].find('"').expect("a quoted cell must be closed");
        let after = &quoted[quote + 1..];
        if after.starts_with('"') {
            doubled = true;
            from = quote + 2;
            continue;
        }
        let content = &quoted[..quote];
        // A few dozen titles hold quotes; the tables live as long as the process.
        let content = if doubled { Box::leak(content.replace("\"\"", "\"").into_boxed_str()) } else { content };
        return (content, after.strip_prefix(','));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_may_be_empty_quoted_or_hold_quotes() {
        let read: Vec<[&str; 3]> = rows("a,b,c\n1,,3\n\"x, y\",\"say \"\"no\"\"\",\n", "a,b,c").collect();
        assert_eq!(read, [["1", "", "3"], ["x, y", "say \"no\"", ""]]);
    }
}
