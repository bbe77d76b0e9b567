//! Movements and histories over a running service: that parts sum to the change
//! for everybody on every list, and that each part holds what it says.

use proptest::prelude::*;

use super::super::history::{History, HistoryOf, Point};
use super::super::movement::{Causes, Moved, MovementsOf};
use super::*;
use crate::domain::word::{MovementCause, MovementKind};
use crate::ranking::Filter;
use crate::ranking::movement::Movement;
use crate::service::ranked::PageOf;
use crate::service::replay_tests::{policy, record as any_record};

fn movements_of(list: List, from: u64, to: u64) -> MovementsOf {
    let page = PageOf { list, filter: Filter::default(), size: 1_000, token: String::new(), arguments: [0; 32] };
    MovementsOf { page, from, to, kinds: Vec::new(), areas: Vec::new() }
}

impl Running {
    async fn ask(&self, asked: &MovementsOf) -> Result<Moved, Fault> {
        let told = self.rescoring.movements(&Caller::loopback(), asked, Seen::default()).await?;
        let subjects: Vec<_> = told.answer.movements.rows.iter().map(|row| row.subject).collect();
        assert_eq!(told.subjects, subjects, "whoever is told of is disclosed");
        Ok(told.answer)
    }

    /// Who moved, having seen to it that the parts sum.
    async fn moved(&self, list: List, from: u64, to: u64) -> BTreeMap<String, (Movement, Causes)> {
        let moved = self.ask(&movements_of(list, from, to)).await.expect("must be told");
        assert_eq!(moved.movements.counts.iter().sum::<u32>() as usize, moved.movements.rows.len());
        let rows = moved.movements.rows.iter().zip(&moved.causes).map(|(row, causes)| {
            assert_eq!(causes.parts.iter().sum::<i32>(), row.change(), "the parts must sum: {row:?} {causes:?}");
            (moved.after.dossier(row.subject).unwrap().subject_ref().to_owned(), (*row, causes.clone()))
        });
        rows.collect()
    }

    async fn withdraw(&self, number: u8, subject: &str, record_id: &str) {
        let body = MutationBody::Withdraw {
            subject_ref: subject.to_owned(),
            record_id: record_id.to_owned(),
            reason: "made in error".to_owned(),
            etag: String::new(),
        };
        let mutation = Mutation { caller: Caller::loopback(), request_id: [number; 16], digest: [number; 32], body };
        self.service.change(mutation).await.expect("must be taken");
    }

    async fn history(&self, subject: &str, list: List, size: usize, token: &str) -> Result<History, Fault> {
        let asked = HistoryOf {
            subject_ref: subject.to_owned(),
            list,
            from: 0,
            to: 0,
            size,
            token: token.to_owned(),
            arguments: [0; 32],
        };
        let told = self.rescoring.history(&Caller::loopback(), asked, Seen::default()).await?;
        Ok(told.answer.found)
    }
}

fn refused(asked: Result<Moved, Fault>) -> Fault {
    asked.expect_err("must be refused")
}

#[tokio::test]
async fn days_alone_are_time_alone() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(30)).await;
    running.run(force.next_day()).await;
    (0..40).for_each(|_| _ = force.next_day());
    running.run(force.next_day()).await;
    let all = running.moved(List::All, 1, 2).await;
    assert!(all.len() > 10, "forty days change something");
    for (name, (row, causes)) in all {
        assert_eq!((&causes.parts[1..], causes.mainly), (&[0, 0][..], MovementCause::Time), "{name}");
        assert!(causes.evidence.is_empty() && row.change() < 0, "{name}: {row:?} {causes:?}");
    }
    running.end();
}

#[tokio::test]
async fn what_was_recorded_today_is_evidence_alone_and_is_named() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(10)).await;
    running.run(force.next_day()).await;
    running.write(2, vec![offence("late", "S-3", "2026-03-01"), offence("new", "S-new", "2026-03-01")]).await;
    running.withdraw(3, "S-4", "o-4").await;
    let moved = running.moved(List::All, 1, 0).await;
    for (name, (row, causes)) in &moved {
        assert_eq!((causes.parts[0], causes.parts[2], causes.mainly), (0, 0, MovementCause::Evidence), "{name}");
        assert!(!causes.evidence.is_empty(), "{name}: {row:?} {causes:?}");
    }
    let named = |name: &str| moved[name].1.evidence.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(named("S-3").contains(&"late".to_owned()) && moved["S-3"].0.change() > 0);
    assert_eq!((named("S-4"), moved["S-4"].0.change() < 0), (vec!["o-4".to_owned()], true));
    let (new, causes) = &moved["S-new"];
    assert_eq!((new.kind, new.before, causes.parts[1]), (MovementKind::Entered, None, new.change()));
    assert_eq!(named("S-new"), ["new"]);
    running.end();
}

#[tokio::test]
async fn another_policy_is_policy_alone() {
    let mut force = Force::new();
    let running = force.start();
    // Each a victim of the same person, two days or more from one another.
    running.write(1, people(4)).await;
    running.run(force.next_day()).await;
    running.end();
    let other =
        policy(0).replace("thr-2026.1", "thr-other").replace("repeat_within_days = 365", "repeat_within_days = 1");
    force.policy = Some(other);
    let running = force.start();
    let moved = running.moved(List::All, 1, 0).await;
    assert!(!moved.is_empty(), "fewer victims are repeat victims");
    for (name, (_, causes)) in moved {
        assert_eq!((&causes.parts[..2], causes.mainly), (&[0, 0][..], MovementCause::Policy), "{name}");
        assert!(causes.evidence.is_empty(), "{name}: {causes:?}");
    }
    running.end();
}

#[tokio::test]
async fn since_yesterday_is_since_the_newest_generation_of_an_earlier_day() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(6)).await;
    let of = |from, to| movements_of(List::All, from, to);
    assert_eq!(refused(running.ask(&of(0, 0)).await), Fault::UnknownGeneration);
    let first = force.next_day();
    running.run(first).await;
    assert_eq!(refused(running.ask(&of(0, 0)).await), Fault::UnknownGeneration, "that is of today");
    assert_eq!(refused(running.ask(&of(2, 0)).await), Fault::UnknownGeneration);
    assert_eq!(refused(running.ask(&of(1, 2)).await), Fault::UnknownGeneration);
    running.run(force.next_day()).await;
    for to in [0, 2] {
        assert_eq!(running.ask(&of(0, to)).await.unwrap().before.told.as_of, first);
    }
    running.end();
    let running = force.start();
    force.archive.remove(1).unwrap();
    assert_eq!(refused(running.ask(&of(0, 0)).await), Fault::GenerationNotKept);
    running.end();
}

#[tokio::test]
async fn pages_between_generations_outlive_a_restart_and_pages_to_now_stay_with_their_snapshot() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(20)).await;
    running.run(force.next_day()).await;
    running.write(2, vec![offence("late", "S-3", "2026-03-02"), offence("new", "S-new", "2026-03-02")]).await;
    (0..20).for_each(|_| _ = force.next_day());
    running.run(force.next_day()).await;
    let rows = |moved: &Moved| moved.movements.rows.clone();
    let between = movements_of(List::All, 1, 2);
    let now = movements_of(List::All, 1, 0);
    let whole = rows(&running.ask(&between).await.unwrap());
    assert_eq!(rows(&running.ask(&now).await.unwrap()), whole);
    let page = |asked: &MovementsOf, token: &str| {
        let page = PageOf { size: 4, token: token.to_owned(), ..asked.page.clone() };
        MovementsOf { page, ..asked.clone() }
    };

    let mut to_now = running.ask(&page(&now, "")).await.unwrap();
    let mut joined = rows(&to_now);
    running.write(4, vec![offence("later", "S-7", "2026-03-20")]).await;
    while let Some(token) = to_now.next.take() {
        to_now = running.ask(&page(&now, &token)).await.unwrap();
        joined.extend(rows(&to_now));
    }
    assert_eq!(joined, whole, "whatever was written meanwhile");

    let expiring = running.ask(&page(&now, "")).await.unwrap().next.unwrap();
    let first = running.ask(&page(&between, "")).await.unwrap();
    running.end();
    let running = force.start();
    let mut joined = rows(&first);
    let mut next = first.next;
    while let Some(token) = next {
        let moved = running.ask(&page(&between, &token)).await.unwrap();
        joined.extend(rows(&moved));
        next = moved.next;
        assert_eq!(refused(running.ask(&page(&now, &token)).await), Fault::PageTokenExpired);
    }
    assert_eq!(joined, whole);
    assert_eq!(refused(running.ask(&page(&now, &expiring)).await), Fault::PageTokenExpired);
    running.end();
}

#[tokio::test]
async fn a_history_is_what_was_published_each_night() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(8)).await;
    let mut published: Vec<(u64, Option<Point>)> = Vec::new();
    for number in 1..=5_u8 {
        if number == 3 {
            running.write(9, vec![offence("n", "S-new", "2026-03-01")]).await;
        }
        running.run(force.next_day()).await;
        let standings = running.standings().await;
        let point = standings.find("S-new").and_then(|subject| {
            let (row, place) = (standings.row(subject)?, standings.place(List::All, subject)?);
            Some(Point {
                rank: Some(place.rank),
                points: [row.threat, row.risk, row.harm],
                composite: row.cohort.point,
                computed: row.cohort.computed,
                effective: row.cohort.effective,
                provisional: row.cohort.provisional,
                overridden: row.cohort.overridden,
            })
        });
        published.push((number.into(), point));
    }
    published.reverse();
    let told = |history: &History| history.entries.iter().map(|it| (it.told.number, it.point)).collect::<Vec<_>>();
    let whole = running.history("S-new", List::All, 90, "").await.unwrap();
    assert_eq!((told(&whole), whole.next), (published.clone(), None));
    assert_eq!((Some(whole.now), published[4].1), (published[0].1, None), "not held at first, and now as published");
    let off = running.history("S-new", List::Recalls, 1, "").await.unwrap();
    assert_eq!((off.now.rank, off.entries[0].point.unwrap().rank), (None, None));
    running.end();

    let running = force.start();
    force.archive.remove(4).unwrap();
    let (mut joined, mut token) = (Vec::new(), String::new());
    loop {
        let page = running.history("S-new", List::All, 2, &token).await.unwrap();
        joined.extend(page.entries.iter().map(|it| (it.told.number, it.kept, it.point)));
        let Some(next) = page.next else { break };
        token = next;
    }
    let expected = published.iter().map(|(number, point)| (*number, *number != 4, point.filter(|_| *number != 4)));
    assert_eq!(joined, expected.collect::<Vec<_>>(), "a generation that is gone is told as gone");
    assert_eq!(running.history("nobody", List::All, 2, "").await.unwrap_err(), Fault::UnknownSubject);
    assert_eq!(running.history("S-1", List::All, 2, "not a token").await.unwrap_err(), Fault::PageTokenInvalid);
    running.end();
}

/// Records of some days, a generation after each, and what was recorded after the last.
async fn lived(nights: Vec<Vec<pb::Record>>, changed_policy: bool) {
    let mut force = Force::new();
    let mut running = force.start();
    let last = nights.len() as u64 - 1;
    for (number, records) in (1..).zip(nights) {
        let records =
            Records { records, etags: BTreeMap::new(), all_or_none: false, validate_only: false, decisions: false };
        let body = MutationBody::Write(records);
        let (request_id, digest) = ([number; 16], [number; 32]);
        let mutation = Mutation { caller: Caller::loopback(), request_id, digest, body };
        running.service.change(mutation).await.expect("must be taken");
        if u64::from(number) <= last {
            (0..9).for_each(|_| _ = force.next_day());
            running.run(force.next_day()).await;
        }
    }
    if changed_policy {
        running.end();
        force.policy = Some(policy(1).to_owned());
        running = force.start();
    }
    for list in List::ALL.iter().copied() {
        for from in 1..=last {
            for to in (from + 1..=last).chain([0]) {
                for (name, (row, causes)) in running.moved(list, from, to).await {
                    let context = format!("{name} on {list:?} from {from} to {to}: {row:?} {causes:?}");
                    let [time, evidence, by_policy] = causes.parts;
                    assert!(by_policy == 0 || changed_policy && to == 0, "{context}");
                    assert!(time == 0 || !(from == last && to == 0), "the same day: {context}");
                    assert!(evidence == 0 || !causes.evidence.is_empty(), "{context}");
                    assert!(causes.mainly != MovementCause::Evidence || !causes.evidence.is_empty(), "{context}");
                }
            }
        }
    }
    running.end();
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn parts_sum_for_everybody_on_every_list_and_nothing_comes_from_nowhere(
        nights in prop::collection::vec(prop::collection::vec(any_record(), 0..12), 2..5),
        changed_policy: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(lived(nights, changed_policy));
    }
}
