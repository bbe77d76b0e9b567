//! What an offence costs society, by a published table of unit costs. The table
//! is data that a force can replace, so it is read line by line and everything
//! wrong with it is said at once. It prices kinds of offence, and each kind
//! names the Home Office codes that it takes in; an offence of no kind is not
//! priced, which is counted and not hidden in a sum.

use std::collections::BTreeMap;
use std::fmt::Write;

use thiserror::Error;

/// Columns of the table, in order.
const HEADER: [&str; 4] = ["offence_kind", "unit_cost_gbp", "source", "ho_classes"];

/// Unit costs of kinds of offence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostTable {
    kinds: Vec<Kind>,
    /// Place of the kind that takes in a class or a code.
    by_code: BTreeMap<String, usize>,
}

/// One kind of offence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: String,
    /// What one costs, in whole pounds.
    pub pounds: u32,
    /// Where the figure was published.
    pub source: String,
}

/// What some offences cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Priced {
    /// In pounds, all together.
    pub pounds: u64,
    /// Offences that have a price.
    pub priced: u32,
    /// Offences that have none, and cost nothing here.
    pub unpriced: u32,
}

/// Everything wrong with a table.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the table of costs is wrong: {}", listed(.0))]
pub struct CostTableError(pub Vec<WrongLine>);

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongLine {
    /// Counted from 1, the header included.
    pub line: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// The columns are not those expected.
    #[error("the columns must be offence_kind,unit_cost_gbp,source,ho_classes")]
    Header,
    /// The line is not four cells of text.
    #[error("must have four cells of text")]
    Cells,
    /// A cell that must not be is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// The cost is not a whole number of pounds.
    #[error("the cost {0:?} is not a whole number of pounds")]
    Cost(String),
    /// A class or code is neither.
    #[error("{0:?} is neither a Home Office class such as 028 nor a code such as 028/03")]
    Code(String),
    /// A kind that stands in a line above.
    #[error("the kind {0:?} stands above already")]
    KindTwice(String),
    /// A class or code that a line above takes in.
    #[error("{0} belongs to a kind above already")]
    CodeTwice(String),
}

fn listed(wrong: &[WrongLine]) -> String {
    let mut text = String::new();
    for (at, WrongLine { line, fault }) in wrong.iter().enumerate() {
        let between = if at > 0 { "; " } else { "" };
        write!(text, "{between}line {line}: {fault}").expect("a text must take more text");
    }
    text
}

impl CostTable {
    /// Reads a table in CSV.
    pub fn parse(text: &str) -> Result<Self, CostTableError> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut table = Self { kinds: Vec::new(), by_code: BTreeMap::new() };
        let mut wrong = Vec::new();
        let mut header = false;
        for record in reader.records() {
            let line = match &record {
                Ok(record) => record.position().map_or(0, csv::Position::line),
                Err(error) => error.position().map_or(0, csv::Position::line),
            };
            let faults = match record {
                Err(_) => vec![Fault::Cells],
                Ok(record) if !header => {
                    header = true;
                    if record == HEADER[..] { Vec::new() } else { vec![Fault::Header] }
                }
                Ok(record) => match record.iter().map(str::trim).collect::<Vec<_>>()[..] {
                    [name, cost, source, codes] => table.add(name, cost, source, codes),
                    _ => vec![Fault::Cells],
                },
            };
            wrong.extend(faults.into_iter().map(|fault| WrongLine { line, fault }));
        }
        if !header {
            wrong.push(WrongLine { line: 1, fault: Fault::Header });
        }
        if wrong.is_empty() { Ok(table) } else { Err(CostTableError(wrong)) }
    }

    /// Adds a kind, and says what is wrong with it.
    fn add(&mut self, name: &str, cost: &str, source: &str, codes: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (column, cell) in [(HEADER[0], name), (HEADER[2], source)] {
            faults.extend(cell.is_empty().then_some(Fault::Empty(column)));
        }
        if self.kinds.iter().any(|kind| kind.name == name) {
            faults.push(Fault::KindTwice(name.to_owned()));
        }
        let pounds = cost.parse().unwrap_or_else(|_| {
            faults.push(Fault::Cost(cost.to_owned()));
            0
        });
        // A kind of which no code tells, such as robbery of a business, is priced and takes in nothing.
        for code in codes.split('|').map(str::trim).filter(|_| !codes.is_empty()) {
            if !is_class_or_code(code) {
                faults.push(Fault::Code(code.to_owned()));
            } else if self.by_code.insert(code.to_owned(), self.kinds.len()).is_some() {
                faults.push(Fault::CodeTwice(code.to_owned()));
            }
        }
        self.kinds.push(Kind { name: name.to_owned(), pounds, source: source.to_owned() });
        faults
    }

    /// All kinds, in the order of the table.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind that an offence of a Home Office code (`028/03`) is of: the one that names the code, or else its class.
    pub fn kind(&self, code: &str) -> Option<&Kind> {
        let class = code.split_once('/').map_or(code, |(class, _)| class);
        let place = self.by_code.get(code).or_else(|| self.by_code.get(class))?;
        self.kinds.get(*place)
    }

    /// What offences of these codes cost together.
    pub fn price<'a>(&self, codes: impl IntoIterator<Item = &'a str>) -> Priced {
        let mut sum = Priced::default();
        for code in codes {
            match self.kind(code) {
                Some(kind) => {
                    sum.pounds += u64::from(kind.pounds);
                    sum.priced += 1;
                }
                None => sum.unpriced += 1,
            }
        }
        sum
    }
}

/// `028` or `028/03`.
fn is_class_or_code(text: &str) -> bool {
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('/') {
        Some((class, sub_class)) => digits(class, 3) && digits(sub_class, 2),
        None => digits(text, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = include_str!("../../../reference/costs/cost_of_crime.csv");

    fn faults(text: &str) -> Vec<(u64, Fault)> {
        CostTable::parse(text).unwrap_err().0.into_iter().map(|wrong| (wrong.line, wrong.fault)).collect()
    }

    #[test]
    fn the_published_table_prices_what_it_names() {
        let table = CostTable::parse(PUBLISHED).unwrap();
        let priced = |code: &str| table.kind(code).map(|kind| (kind.name.as_str(), kind.pounds));
        assert_eq!(priced("001/01"), Some(("homicide", 3_217_740)));
        assert_eq!(priced("004/01"), Some(("homicide", 3_217_740)));
        assert_eq!(priced("004/04"), None);
        assert_eq!(priced("005/01"), Some(("violence with injury", 14_050)));
        assert_eq!(priced("105/01"), Some(("violence without injury", 5_930)));
        assert_eq!(priced("028/03"), Some(("domestic burglary", 5_930)));
        assert_eq!(priced("030/02"), Some(("commercial burglary", 15_460)));
        assert_eq!(priced("053/40"), Some(("fraud", 1_290)));
        assert_eq!(priced("053/54"), Some(("cybercrime", 550)));
        assert_eq!(priced("092/01"), None);
    }

    #[test]
    fn the_longest_prefix_wins() {
        let table =
            CostTable::parse("offence_kind,unit_cost_gbp,source,ho_classes\nbroad,1,a,028|029\nnarrow,20,b,028/03\n")
                .unwrap();
        let name = |code| table.kind(code).map(|kind| kind.name.as_str());
        assert_eq!((name("028/03"), name("028/01"), name("029/00")), (Some("narrow"), Some("broad"), Some("broad")));
        assert_eq!(name("281/03"), None);
    }

    #[test]
    fn an_offence_without_a_price_costs_nothing_and_is_counted() {
        let table = CostTable::parse(PUBLISHED).unwrap();
        let sum = table.price(["028/03", "034/01", "092/01", "nonsense"]);
        assert_eq!(sum, Priced { pounds: 5_930 + 11_320, priced: 2, unpriced: 2 });
    }

    #[test]
    fn every_wrong_line_is_named_at_once() {
        let text = "offence_kind,unit_cost_gbp,source,ho_classes\n\
                    a,1.5,s,028\n\
                    ,2,,029\n\
                    b,3,s\n\
                    c,4,s,28|030\n\
                    c,-5,s,030\n";
        assert_eq!(
            faults(text),
            [
                (2, Fault::Cost("1.5".into())),
                (3, Fault::Empty("offence_kind")),
                (3, Fault::Empty("source")),
                (4, Fault::Cells),
                (5, Fault::Code("28".into())),
                (6, Fault::KindTwice("c".into())),
                (6, Fault::Cost("-5".into())),
                (6, Fault::CodeTwice("030".into())),
            ]
        );
        let said = CostTable::parse(text).unwrap_err().to_string();
        assert!(said.contains("line 4: must have four cells of text; line 5: \"28\" is neither"), "{said}");
    }

    #[test]
    fn another_header_is_refused() {
        assert_eq!(faults("kind,cost\n"), [(1, Fault::Header)]);
        assert_eq!(faults(""), [(1, Fault::Header)]);
    }

    #[test]
    fn a_kind_may_take_in_no_code() {
        let table = CostTable::parse("offence_kind,unit_cost_gbp,source,ho_classes\nshop robbery,9,s,\n").unwrap();
        assert_eq!((table.kinds().len(), table.kind("034/01")), (1, None));
    }
}
