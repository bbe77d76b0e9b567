//! What the tables say of one offence or one row of the harm index, and how
//! the three tables are joined.

use hashbrown::{HashMap, HashSet};

use super::{Tables, csv};
use crate::domain::offence::{Category, CjsIndex, HoIndex};
use crate::domain::word::OffenceGroup;

/// Place of a row in the harm index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowIndex(pub u16);

/// How an offence may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// CI: on indictment only.
    Indictable,
    /// CE: either way.
    EitherWay,
    /// CS: summarily.
    Summary,
    /// CM: summarily, motoring.
    SummaryMotoring,
}

impl Mode {
    /// The mode that a CJS category stands for; `None` for what is not an offence.
    fn of(category: &str) -> Option<Self> {
        match category {
            "CI" => Some(Self::Indictable),
            "CE" => Some(Self::EitherWay),
            "CS" => Some(Self::Summary),
            "CM" => Some(Self::SummaryMotoring),
            _ => None,
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Indictable => "indictable only",
            Self::EitherWay => "either way",
            Self::Summary => "summary",
            Self::SummaryMotoring => "summary motoring",
        }
    }
}

/// The longest sentence that the law allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MaxSentence {
    /// Days of imprisonment.
    Days(u32),
    /// Imprisonment for life.
    Life,
}

/// A CJS offence code.
#[derive(Clone, Debug)]
pub struct CjsOffence {
    /// Code, such as `TH68010`.
    pub code: &'static str,
    /// Official title; of a code named by the harm index alone, that row's title.
    pub title: &'static str,
    /// Home Office code; of a code named by the harm index alone, that row's code.
    pub ho: HoIndex,
    /// CJS category as published, such as `CE`; empty where the list does not hold the code.
    pub category: &'static str,
    /// Mode of trial; `None` for what is not an offence or not in the list.
    pub mode: Option<Mode>,
    /// Counted in crime statistics.
    pub notifiable: bool,
    /// Kept on the Police National Computer.
    pub recordable: bool,
    /// The longest sentence, where known.
    pub max_sentence: Option<MaxSentence>,
    /// Parts of schedule 15 of the Sentencing Act that name it, joined by `|`.
    pub specified: &'static str,
    /// In the code list, not only named by the harm index.
    pub listed: bool,
}

impl CjsOffence {
    /// Whether it is an offence at all: the list also holds applications, breaches and byelaw matters.
    pub fn is_offence(&self) -> bool {
        self.mode.is_some() || !self.listed
    }
}

/// A Home Office class and sub-class.
#[derive(Clone, Debug)]
pub struct HoOffence {
    /// Code, such as `028/03`.
    pub code: &'static str,
    /// Group; `None` where the Home Office table does not hold the code, and for `000/00`, which is no code.
    pub group: Option<OffenceGroup>,
    /// Class in words; empty where the table does not hold the code.
    pub class: &'static str,
    /// Sub-class in words; empty where the table does not hold the code.
    pub sub_class: &'static str,
    /// Actuarial category, UNKNOWN included; `None` where the table does not hold the code.
    pub category: Option<Category>,
    /// Counts towards violent sanctions in VRP and SVRP.
    pub violent_sanction: bool,
    /// In the Home Office table, not only named by the code list or the harm index.
    pub listed: bool,
}

impl HoOffence {
    /// The class, its first three characters.
    pub fn class_code(&self) -> &'static str {
        self.code.get(..3).unwrap_or(self.code)
    }

    /// `000/00` and `999/99` stand for "no Home Office code".
    pub fn is_no_code(&self) -> bool {
        matches!(self.code, "000/00" | "999/99")
    }
}

/// A row of the Cambridge Crime Harm Index.
#[derive(Clone, Debug)]
pub struct HarmRow {
    /// Home Office code.
    pub ho: HoIndex,
    /// The index's own reference of the row.
    pub athena_urn: &'static str,
    /// Title.
    pub title: &'static str,
    /// Harm days.
    pub days: f64,
    /// Whether the offence's own starting point was used or that of a similar offence.
    pub basis: &'static str,
    /// CJS codes that the row names.
    pub cjs: Box<[CjsIndex]>,
}

/// A place as the tables count them.
pub(super) fn place(place: usize) -> u16 {
    u16::try_from(place).expect("the tables must hold fewer than 65,535 codes")
}

fn flag(text: &str) -> bool {
    text.parse().expect("a flag of a reference table must be true or false")
}

/// A row of the code list, before its Home Office code has a place.
pub(super) struct ListedCjs {
    code: &'static str,
    title: &'static str,
    ho: &'static str,
    category: &'static str,
    notifiable: bool,
    recordable: bool,
    max_sentence: Option<MaxSentence>,
    specified: &'static str,
}

pub(super) fn read_cjs(text: &'static str) -> Vec<ListedCjs> {
    csv::rows(text, "cjs_code,title,ho_code,category,notifiable,recordable,max_sentence_days,specified")
        .map(|[code, title, ho, category, notifiable, recordable, sentence, specified]| ListedCjs {
            code,
            title,
            ho,
            category,
            notifiable: flag(notifiable),
            recordable: flag(recordable),
            max_sentence: match sentence {
                "" => None,
                "life" => Some(MaxSentence::Life),
                days => Some(MaxSentence::Days(days.parse().expect("a sentence must be a number of days or life"))),
            },
            specified,
        })
        .collect()
}

fn group(text: &str) -> OffenceGroup {
    match text {
        "Violence against the person" => OffenceGroup::ViolenceAgainstThePerson,
        "Sexual offences" => OffenceGroup::SexualOffences,
        "Burglary" => OffenceGroup::Burglary,
        "Robbery" => OffenceGroup::Robbery,
        "Theft and handling" => OffenceGroup::TheftAndHandling,
        "Fraud forgery" => OffenceGroup::FraudAndForgery,
        "Criminal damage" => OffenceGroup::CriminalDamage,
        "Drug offences" => OffenceGroup::DrugOffences,
        "Other indictable" => OffenceGroup::OtherIndictable,
        "Indictable motoring offences" => OffenceGroup::IndictableMotoring,
        "Summary motoring offences" => OffenceGroup::SummaryMotoring,
        "Other summary offences" => OffenceGroup::OtherSummary,
        other => panic!("the Home Office table must name one of its twelve groups, not {other}"),
    }
}

pub(super) fn read_ho(text: &'static str) -> Vec<HoOffence> {
    csv::rows(text, "ho_code,group,class,sub_class,actuarial_category,violent_sanction")
        .map(|[code, group_name, class, sub_class, category, violent]| {
            let mut offence = HoOffence {
                code,
                group: Some(group(group_name)),
                class,
                sub_class,
                category: Some(category.parse().expect("the Home Office table must name one of the 25 categories")),
                violent_sanction: flag(violent),
                listed: true,
            };
            if offence.is_no_code() {
                // The table files "invalid offence" among summary offences; local codes for murder carry it.
                offence.group = None;
            }
            offence
        })
        .collect()
}

/// A row of the harm index, before its codes have places.
pub(super) struct IndexRow {
    ho: &'static str,
    athena_urn: &'static str,
    title: &'static str,
    days: f64,
    basis: &'static str,
    cjs: &'static str,
}

impl IndexRow {
    fn codes(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.cjs.split('|').filter(|code| !code.is_empty())
    }
}

pub(super) fn read_index(text: &'static str) -> Vec<IndexRow> {
    csv::rows(text, "ho_code,athena_urn,title,harm_days,basis,cjs_codes")
        .map(|[ho, athena_urn, title, days, basis, cjs]| IndexRow {
            ho,
            athena_urn,
            title,
            days: days.parse().expect("harm days must be a number"),
            basis,
            cjs,
        })
        .collect()
}

/// Gives every code named in any table a place, and the rows of the index to the codes they serve.
pub(super) fn join(listed_cjs: &[ListedCjs], mut ho: Vec<HoOffence>, index: &[IndexRow]) -> Tables {
    let named_elsewhere = listed_cjs.iter().map(|offence| offence.ho).chain(index.iter().map(|row| row.ho));
    let mut known: HashSet<&str> = ho.iter().map(|offence| offence.code).collect();
    let unlisted: Vec<&'static str> = named_elsewhere.filter(|code| known.insert(code)).collect();
    ho.extend(unlisted.into_iter().map(|code| HoOffence {
        code,
        group: None,
        class: "",
        sub_class: "",
        category: None,
        violent_sanction: false,
        listed: false,
    }));
    ho.sort_by_key(|offence| offence.code);
    let ho_places: HashMap<_, _> =
        ho.iter().enumerate().map(|(at, offence)| (offence.code, HoIndex(place(at)))).collect();

    let mut cjs: Vec<CjsOffence> = listed_cjs.iter().map(|offence| listed(offence, &ho_places)).collect();
    let mut known: HashSet<&str> = cjs.iter().map(|offence| offence.code).collect();
    for row in index {
        cjs.extend(row.codes().filter(|code| known.insert(code)).map(|code| unlisted_cjs(code, row, &ho_places)));
    }
    cjs.sort_by_key(|offence| offence.code);
    let cjs_places: HashMap<_, _> =
        cjs.iter().enumerate().map(|(at, offence)| (offence.code, CjsIndex(place(at)))).collect();
    assert_eq!((cjs.len(), ho.len()), (cjs_places.len(), ho_places.len()), "a code must stand in its table once");

    let rows: Vec<HarmRow> = index
        .iter()
        .map(|row| HarmRow {
            ho: ho_places[row.ho],
            athena_urn: row.athena_urn,
            title: row.title,
            days: row.days,
            basis: row.basis,
            cjs: row.codes().map(|code| cjs_places[code]).collect(),
        })
        .collect();
    let mut rows_by_cjs: HashMap<CjsIndex, Vec<RowIndex>> = HashMap::new();
    let mut rows_by_ho: HashMap<HoIndex, Vec<RowIndex>> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        rows_by_ho.entry(row.ho).or_default().push(RowIndex(place(at)));
        for code in &row.cjs {
            rows_by_cjs.entry(*code).or_default().push(RowIndex(place(at)));
        }
    }
    Tables { cjs, ho, rows, cjs_places, ho_places, rows_by_cjs, rows_by_ho }
}

fn listed(offence: &ListedCjs, ho_places: &HashMap<&str, HoIndex>) -> CjsOffence {
    CjsOffence {
        code: offence.code,
        title: offence.title,
        ho: ho_places[offence.ho],
        category: offence.category,
        mode: Mode::of(offence.category),
        notifiable: offence.notifiable,
        recordable: offence.recordable,
        max_sentence: offence.max_sentence,
        specified: offence.specified,
        listed: true,
    }
}

/// A code that the harm index names and the code list does not hold. What only the list tells is unknown.
fn unlisted_cjs(code: &'static str, row: &IndexRow, ho_places: &HashMap<&str, HoIndex>) -> CjsOffence {
    CjsOffence {
        code,
        title: row.title,
        ho: ho_places[row.ho],
        category: "",
        mode: None,
        notifiable: false,
        recordable: false,
        max_sentence: None,
        specified: "",
        listed: false,
    }
}
