//! Who reviews a file, and what they write: some look when they should, some write the same of
//! everybody, some look at a case of their own.

use std::cmp::Reverse;

use super::dice::Dice;
use super::pen::{stamp, written};
use super::searched::{Done, Rhythm};
use super::supervised::{Care, Span, Watch};
use crate::domain::Moment;
use crate::pb::{Review, SupervisorRank, record::Kind};

/// Findings that some supervisors write whatever they find.
const COPIED: [&str; 4] = [
    "Demonstration: file reviewed. All reasonable enquiries are being made. Continue.",
    "Demonstration: reviewed, no change. Officer in the case to continue enquiries.",
    "Demonstration: no new lines of enquiry. To be reviewed again in due course.",
    "Demonstration: reviewed and noted.",
];

const JUDGED: [&str; 6] = [
    "The known addresses are exhausted; associates come next.",
    "The telephone enquiry gave a new area, which is to be searched first.",
    "The risk to the victim has been looked at again and stands as it was.",
    "The person is thought to move between two addresses; early visits are wanted.",
    "The intelligence picture is thin and has to be built.",
    "The enquiries so far are in proportion to the harm.",
];

const INSTRUCTED: [&str; 5] = [
    "Visit the family address before seven in the morning.",
    "Ask for bank and benefit enquiries.",
    "Brief the neighbourhood team and the night shift.",
    "Agree with the victim how often they want to hear.",
    "Ask for a media appeal if nothing comes of it within a week.",
];

impl Watch<'_> {
    /// Adds reviews of a span to what was done in it.
    pub(super) fn review(&self, span: &Span, last: bool, done: &mut Vec<Done>, dice: &mut Dice) {
        use SupervisorRank::{ChiefInspector, Inspector, Sergeant};
        let length = self.length(span);
        let pace = self.pace.review;
        let mut reviews: Vec<(i32, SupervisorRank, bool)> = Vec::new();
        let by_sergeant = |day: i32| (day, Sergeant, false);
        let mut escalated = |rank, often, from, to, dice: &mut Dice| {
            if dice.chance(often) {
                reviews.push((dice.between(from, to), rank, false));
            }
        };
        match self.care {
            Care::Exemplary => {
                escalated(Inspector, 1_000, 22, 27, dice);
                escalated(ChiefInspector, 1_000, 84, 89, dice);
                let rhythm =
                    Rhythm { back: dice.between(0, (pace - 1).min(2)), step: pace.min(9), growth: 180, most: 3 };
                reviews.extend(rhythm.days(length).into_iter().chain([1]).map(by_sergeant));
            }
            Care::Ordinary => {
                escalated(Inspector, 780, 22, 45, dice);
                escalated(ChiefInspector, 550, 84, 150, dice);
                let rhythm = Rhythm {
                    back: dice.between(0, pace * 4 / 3),
                    step: pace + dice.between(0, 6),
                    growth: 200,
                    most: dice.between(1, 3),
                };
                reviews.extend(rhythm.days(length).into_iter().chain([dice.between(0, 4)]).map(by_sergeant));
            }
            Care::Slipping => {
                escalated(Inspector, 300, 28, 90, dice);
                let back = pace * dice.between(2, 5) + dice.between(1, 20);
                let rhythm = Rhythm { back, step: 3 * pace, growth: 200, most: dice.between(1, 2) };
                reviews.extend(rhythm.days(length).into_iter().chain([dice.between(3, 25)]).map(by_sergeant));
                if dice.chance(350) {
                    reviews.push((length - dice.between(0, 20), Sergeant, true));
                }
            }
            Care::Neglected if dice.chance(500) => {}
            Care::Neglected => reviews.push((dice.sooner(2, 60), Sergeant, dice.chance(500))),
        }
        reviews.retain(|(day, ..)| (0..=length).contains(day));
        // Of two on one day the higher rank's is kept.
        reviews.sort_unstable_by_key(|(day, rank, own)| (*day, Reverse(*rank as i32), *own));
        reviews.dedup_by_key(|(day, ..)| *day);
        if !last {
            reviews.truncate(1);
        }
        for (day, rank, own) in reviews {
            let Some(moment) = self.on(span, day, dice) else { continue };
            let tried = done.iter().filter(|(when, kind)| *when <= moment && matches!(kind, Kind::Activity(_))).count();
            let review = self.reviewed(moment, rank, own, tried, day, dice);
            done.push((moment, Kind::Review(review)));
        }
    }

    fn reviewed(
        &self,
        moment: Moment,
        rank: SupervisorRank,
        own: bool,
        tried: usize,
        day: i32,
        dice: &mut Dice,
    ) -> Review {
        let officer = match rank {
            _ if own => self.officer.clone(),
            SupervisorRank::Inspector => format!("DEMO-INSP-{}{}", self.letters, 1 + dice.below(3)),
            SupervisorRank::ChiefInspector => format!("DEMO-CI-{}1", self.letters),
            SupervisorRank::Sergeant | SupervisorRank::Unspecified => self.supervisor.clone(),
        };
        let copied = match self.care {
            Care::Exemplary => 0,
            Care::Ordinary => 120,
            Care::Slipping => 450,
            Care::Neglected => 800,
        };
        let (findings, instructions) = if dice.chance(copied) {
            (dice.pick(&COPIED).to_owned(), String::new())
        } else {
            let judged = dice.pick(&JUDGED);
            let on = moment.day().spelt();
            let findings =
                format!("Demonstration: {on}, day {day} of the search, {tried} enquiries recorded. {judged}");
            (findings, format!("Demonstration: {}", dice.pick(&INSTRUCTED)))
        };
        let least = if self.care == Care::Exemplary { self.pace.review } else { self.pace.review / 2 + 1 };
        let next = dice.chance(350).then(|| moment.day() + dice.between(least, 2 * self.pace.review));
        Review {
            outstanding_id: self.id.to_owned(),
            officer,
            rank: rank.into(),
            reviewed_time: Some(stamp(moment)),
            findings,
            instructions,
            next_review_on: written(next),
        }
    }
}
