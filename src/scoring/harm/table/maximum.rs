//! The longest sentence that the law allows, as a table: how grave Parliament
//! holds an offence to be at its worst, where the index asks what a first
//! offender would be given. It tells few offences apart, and many not at all.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::{HarmTable, Told};
use crate::domain::offence::HoIndex;
use crate::reference::{MaxSentence, Tables, tables};

/// Its name.
pub const MAXIMUM_SENTENCE: &str = "maximum_sentence";

/// Days for which imprisonment for life counts: thirty years, twice the longest fixed term in the list. Only that it
/// is longer than any of these matters, for the table is put on the index's scale by its order.
pub const LIFE_DAYS: f64 = 10_950.0;

/// The table, over the codes compiled in.
pub fn maximum_sentence() -> &'static HarmTable {
    static TABLE: LazyLock<HarmTable> = LazyLock::new(|| by_maximum(tables(), LIFE_DAYS));
    &TABLE
}

/// Codes with a maximum in the list of CJS offence codes. A Home Office code has the median of the codes recorded
/// under it, and is an estimate where they differ.
pub(super) fn by_maximum(tables: &Tables, life: f64) -> HarmTable {
    let source =
        "The longest sentence that the law allows, from the list of CJS offence codes; life counts as 30 years.";
    let mut table = HarmTable::new(MAXIMUM_SENTENCE, source);
    let mut under: HashMap<HoIndex, Vec<f64>> = HashMap::new();
    for (place, offence) in tables.cjs_offences().filter(|(_, offence)| offence.is_offence()) {
        let days = match offence.max_sentence {
            Some(MaxSentence::Days(days)) => f64::from(days),
            Some(MaxSentence::Life) => life,
            None => continue,
        };
        table.cjs.insert(place, Told::exactly(days));
        under.entry(offence.ho).or_default().push(days);
    }
    table.ho = under.into_iter().map(|(code, days)| (code, median(days))).collect();
    table
}

fn median(mut days: Vec<f64>) -> Told {
    days.sort_unstable_by(f64::total_cmp);
    Told { days: days[days.len() / 2], low: days[0], high: days[days.len() - 1] }
}
