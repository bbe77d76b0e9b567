//! When everybody is weighed anew, and how long what was published is kept.

use jiff::civil::Time;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, whole};

/// When everybody is weighed anew, and how long what was published is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescore {
    /// Time of day in London from which a day's run is begun. `None`: whoever wants one asks for it.
    pub schedule: Option<Time>,
    /// Which generations are kept.
    pub retention: Retention,
}

/// Which generations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days for which every generation is.
    pub days: u32,
    /// Months for which the last of each month is.
    pub months: u32,
}

pub(super) const SCHEDULE: Key = Key {
    name: "rescore.schedule",
    flag: "rescore-schedule",
    variable: "STEELYARD_RESCORE_SCHEDULE",
    shape: Shape::Value("TIME"),
    takes: "a time of day in Europe/London such as `02:30`, or `off`",
    default: Some("off"),
    meaning: "Time from which everybody is weighed anew each day, without anybody asking. A server that was not running \
              then does it when it starts. Leave it off where a scheduler runs `steelyard rescore`.",
};

pub(super) const KEEP_DAYS: Key = Key {
    name: "rescore.keep_days",
    flag: "rescore-keep-days",
    variable: "STEELYARD_RESCORE_KEEP_DAYS",
    shape: Shape::Value("DAYS"),
    takes: "2 to 3660, days",
    default: Some("90"),
    meaning: "Days for which every published generation can be read back.",
};

pub(super) const KEEP_MONTHS: Key = Key {
    name: "rescore.keep_months",
    flag: "rescore-keep-months",
    variable: "STEELYARD_RESCORE_KEEP_MONTHS",
    shape: Shape::Value("MONTHS"),
    takes: "0 to 600, months",
    default: Some("84"),
    meaning: "Months for which the last generation of each month can be read back. What is let go of stays in the \
              ledger with its digest, and `steelyard replay` weighs it again.",
};

pub(super) const CONCERN: Concern = Concern { title: "Rescoring", keys: &[&SCHEDULE, &KEEP_DAYS, &KEEP_MONTHS] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Rescore> {
    let schedule = reader.value(&SCHEDULE, |text| match text {
        "off" => Ok(None),
        _ => match Time::strptime("%H:%M", text) {
            Ok(time) if text.len() == 5 => Ok(Some(time)),
            Ok(_) | Err(_) => Err("is no time of day such as 02:30, nor `off`".to_owned()),
        },
    });
    let days = reader.value(&KEEP_DAYS, |text| whole(text, 2..=3_660));
    let months = reader.value(&KEEP_MONTHS, |text| whole(text, 0..=600));
    let number = |number: u64| u32::try_from(number).expect("a number within its range must fit");
    Some(Rescore { schedule: schedule?, retention: Retention { days: number(days?), months: number(months?) } })
}
