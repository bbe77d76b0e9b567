//! Texts with columns in braces, such as `broward-{id}-offence`.

use super::columns::{Column, Columns};

/// A text with columns in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(Column),
}

impl Template {
    /// Reads a template. `{{` and `}}` stand for the braces themselves.
    ///
    /// # Errors
    /// What is wrong with its braces.
    pub fn parse(text: &str, columns: &mut Columns) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(found) = rest.find(['{', '}']) {
            plain.push_str(&rest[..found]);
            let brace = &rest[found..=found];
            rest = &rest[found + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err("closes a brace that was not opened; write }} for the brace itself");
            }
            let end = rest.find('}').ok_or("opens a brace that is not closed; write {{ for the brace itself")?;
            let name = rest[..end].trim();
            if name.is_empty() {
                return Err("has empty braces; a column's name belongs in them");
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Column(columns.named(name)));
            rest = &rest[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// Whether any column is in it.
    pub fn names_a_column(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Column(_)))
    }

    /// The text for one row; `Err` with the first column that is empty there.
    ///
    /// # Errors
    /// The column that is empty.
    pub fn fill<'r>(&self, cell: impl Fn(Column) -> Option<&'r str>) -> Result<String, Column> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Column(column) => text.push_str(cell(*column).ok_or(*column)?),
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_braces_and_doubled_braces_for_themselves() {
        let mut columns = Columns::default();
        let template = Template::parse("a-{{{id}}}-{ id }", &mut columns).expect("must parse");
        assert_eq!(template.fill(|_| Some("7")), Ok("a-{7}-7".to_owned()));
        assert_eq!(columns.names(), ["id"]);
    }

    #[test]
    fn an_empty_column_leaves_the_whole_text_out() {
        let mut columns = Columns::default();
        let template = Template::parse("{a}{b}", &mut columns).expect("must parse");
        let b = columns.named("b");
        assert_eq!(template.fill(|column| (column != b).then_some("x")), Err(b));
    }

    #[test]
    fn braces_that_do_not_match_are_refused() {
        for text in ["{id", "id}", "{}", "{ }", "{{id}", "{a}}"] {
            assert!(Template::parse(text, &mut Columns::default()).is_err(), "{text}");
        }
    }
}
