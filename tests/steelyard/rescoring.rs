//! Everybody weighed anew, night after night, by a real server: what moves on
//! which night, what a kill in the middle leaves, and what a reader sees
//! meanwhile. `just rescore-drill 100` runs the kills at length.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use steelyard::demonstration::{self, Config, USUAL_RECORDS_PER_SUBJECT};
use steelyard::domain::Date;
use steelyard::pb;
use steelyard::pb::record::Kind;

use crate::harness::{Client, Server, reason};
use crate::people::{AS_OF, Somebody};

const ROUNDS: &str = "STEELYARD_RESCORE_ROUNDS";
const SEED: &str = "STEELYARD_RESCORE_SEED";
/// People of the drill: so many that a run takes a while.
const PEOPLE: usize = 6_000;
/// People in one request.
const TOGETHER: usize = 250;
/// People of the demonstration force, and the nights that pass over them.
const FORCE: u32 = 400;
const NIGHTS: i32 = 30;
/// Longest time from the beginning of a run to a kill, in milliseconds.
const KILLED_WITHIN: u64 = 700;

fn day(after: i32) -> String {
    (AS_OF.parse::<Date>().expect("must be a date") + after).to_string()
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().expect("a whole number"))
}

async fn fill(client: &mut Client) {
    for from in (0..PEOPLE).step_by(TOGETHER) {
        let records = (from..from + TOGETHER).flat_map(|n| {
            let born = format!("19{}-0{}-11", 60 + n % 40, 1 + n % 9);
            let mut somebody = Somebody::man(&format!("P-{n}"), &born);
            for offence in 0..=n % 4 {
                somebody = somebody.charged("TH68010", &day(-30 * i32::try_from(offence + n % 11).unwrap_or(0) - 5));
            }
            somebody.records()
        });
        client.write(records.collect()).await;
    }
}

/// A whole list, with the day and the generation that every page of it says.
async fn whole(client: &mut Client) -> Result<(String, u64, Vec<pb::Standing>), tonic::Status> {
    let (mut seen, mut page_token, mut rows) = (None, String::new(), Vec::new());
    loop {
        let request = pb::ListStandingsRequest {
            list: pb::List::All.into(),
            page_size: 1_000,
            page_token,
            ..pb::ListStandingsRequest::default()
        };
        let page = client.ranking.list_standings(request).await?.into_inner();
        let context = page.context.expect("a page says what it is of");
        let of = (context.as_of, context.generation);
        assert_eq!(*seen.get_or_insert_with(|| of.clone()), of, "pages of two generations in one list");
        assert_eq!(page.list_size as usize, PEOPLE, "half a list");
        rows.extend(page.standings);
        if page.next_page_token.is_empty() {
            assert_eq!(rows.len(), PEOPLE, "half a list");
            let (as_of, generation) = seen.unwrap_or_default();
            return Ok((as_of, generation, rows));
        }
        page_token = page.next_page_token;
    }
}

fn fingerprint(rows: &[pb::Standing]) -> [u8; 32] {
    use prost::Message;
    let mut hasher = blake3::Hasher::new();
    for row in rows {
        hasher.update(&row.encode_length_delimited_to_vec());
    }
    *hasher.finalize().as_bytes()
}

/// Reads the list again and again; what each generation looked like must never change.
struct Poller {
    stop: Arc<AtomicBool>,
    read: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<BTreeMap<u64, (String, [u8; 32])>>,
}

impl Poller {
    fn start(mut client: Client, mut known: BTreeMap<u64, (String, [u8; 32])>) -> Self {
        let (stop, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&read));
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::SeqCst) {
                // The server may have been killed: whatever came before that was checked.
                let Ok((as_of, generation, rows)) = whole(&mut client).await else { break };
                let print = (as_of, fingerprint(&rows));
                assert_eq!(*known.entry(generation).or_insert_with(|| print.clone()), print, "a generation changed");
                counted.fetch_add(1, Ordering::SeqCst);
            }
            known
        });
        Self { stop, read, task }
    }

    async fn end(self) -> (BTreeMap<u64, (String, [u8; 32])>, u64) {
        self.stop.store(true, Ordering::SeqCst);
        let known = self.task.await.expect("every list must have been whole");
        (known, self.read.load(Ordering::SeqCst))
    }
}

async fn digest(client: &mut Client, number: u64) -> String {
    let all = client.rescore.list_generations(pb::ListGenerationsRequest { page_size: 1_000, ..Default::default() });
    let all = all.await.expect("generations must be listed").into_inner().generations;
    all.into_iter().find(|one| one.generation == number).expect("it must have been published").digest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_a_run_leaves_no_half_list_and_the_run_ends_as_one_undisturbed() {
    let (rounds, seed) = (number(ROUNDS, 3), number(SEED, 1));
    let mut dice = StdRng::seed_from_u64(seed);
    let (home, calm) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let quiet = ["--backup-every-minutes", "0"];
    let server = Server::on(home.path(), &["--as-of", AS_OF, "--backup-every-minutes", "0"]);
    fill(&mut server.client().await).await;
    assert!(server.stop().await.success());
    copy(home.path(), calm.path());
    let calm = Server::on(calm.path(), &quiet);
    let mut undisturbed = calm.client().await;
    let (mut known, mut reads, mut interrupted, mut resumed) = (BTreeMap::new(), 0, 0, 0);
    for round in 1..=rounds {
        let as_of = day(i32::try_from(round).expect("few rounds"));
        let server = Server::on(home.path(), &quiet);
        let mut client = server.client().await;
        let poller = Poller::start(server.client().await, known);
        let run = client.rescore(&as_of).await.expect("a run must begin");
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..KILLED_WITHIN))).await;
        server.kill();
        let (seen, count) = poller.end().await;
        (known, reads) = (seen, reads + count);

        let server = Server::on(home.path(), &quiet);
        let mut client = server.client().await;
        let poller = Poller::start(server.client().await, known);
        let before = client.rescore.get_rescore_run(pb::GetRescoreRunRequest { run_id: run.run_id.clone() });
        let before = before.await.expect("a run outlives a kill").into_inner().run.unwrap_or_default();
        interrupted += u64::from(before.state() == pb::RescoreState::Running);
        let ended = client.ended(&run.run_id).await.expect("it must come to its end");
        assert_eq!(ended.state(), pb::RescoreState::Published, "{ended:?}\n{}", server.log());
        let counters = ended.counters.unwrap_or_default();
        assert_eq!((ended.generation, ended.attempt, counters.scored as usize), (round, 1, PEOPLE));
        resumed += u64::from(counters.resumed > 0);
        let after = whole(&mut client).await.expect("the list must come");
        assert_eq!((after.0.as_str(), after.1), (as_of.as_str(), round), "the new list is there");
        let (seen, count) = poller.end().await;
        (known, reads) = (seen, reads + count);
        assert!(server.stop().await.success());

        undisturbed.weigh_on(&as_of).await;
        let server = Server::on(home.path(), &quiet);
        let mut client = server.client().await;
        assert_eq!(
            digest(&mut client, round).await,
            digest(&mut undisturbed, round).await,
            "round {round}, seed {seed}"
        );
        server.kill();
    }
    println!(
        "{rounds} rounds (seed {seed}): {interrupted} runs were killed before they had published, {resumed} of them had \
         people weighed already; {reads} lists read meanwhile, each whole and of one generation"
    );
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").args(["-a", &format!("{}/.", from.display())]).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()), "a directory must be copied");
}

/// What is looked at every night.
#[derive(Clone, Debug)]
struct Night {
    as_of: Date,
    standing: pb::Standing,
}

impl Night {
    fn counts(&self, record_id: &str) -> bool {
        let detail = self.standing.detail.as_ref().expect("a FULL standing must be explained");
        detail.contributions.iter().any(|part| part.evidence_ids.iter().any(|id| id == record_id))
    }

    fn detail(&self) -> &pb::StandingDetail {
        self.standing.detail.as_ref().expect("a FULL standing must be explained")
    }
}

/// The only night on which something is otherwise than the night before.
fn turns<T: PartialEq + std::fmt::Debug>(nights: &[Night], what: impl Fn(&Night) -> T) -> Vec<String> {
    nights.windows(2).filter(|pair| what(&pair[0]) != what(&pair[1])).map(|pair| pair[1].as_of.to_string()).collect()
}

/// Everybody in the FULL view, by reference.
async fn everybody(client: &mut Client, generation: u64) -> BTreeMap<String, pb::Standing> {
    let (mut all, mut page_token) = (BTreeMap::new(), String::new());
    loop {
        let request = pb::ListStandingsRequest {
            list: pb::List::All.into(),
            view: pb::View::Full.into(),
            page_size: 100,
            page_token,
            generation,
            ..pb::ListStandingsRequest::default()
        };
        let page = client.ranking.list_standings(request).await.expect("a page must come").into_inner();
        all.extend(page.standings.into_iter().map(|standing| (standing.subject_ref.clone(), standing)));
        if page.next_page_token.is_empty() {
            return all;
        }
        page_token = page.next_page_token;
    }
}

/// The demonstration force on the day of every test.
fn demonstration() -> Vec<pb::Record> {
    let as_of = AS_OF.parse().expect("must be a date");
    let config = Config::new(FORCE, 5, as_of, USUAL_RECORDS_PER_SUBJECT).expect("such a force can be invented");
    demonstration::records(config).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_nights_move_each_standing_on_the_right_night() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let marked = Somebody::man("MARKED", "1990-01-01").marker(pb::MarkerKind::Weapons, "2026-03-20", "2026-04-10");
    let inside = Somebody::man("INSIDE", "1985-01-01").convicted("TH68010", "2025-06-01", "2025-11-01");
    let offence = inside.last_id();
    let inside = inside
        .custody(pb::CustodyKind::Sentence, "2025-11-01", "2026-05-20", "", &[&offence])
        .managed(pb::CohortStatus::Fixed, "2025-10-01");
    // One offence a year ago less ten days, a lesser one the year before: escalating until the first is a year old.
    let rising =
        Somebody::man("RISING", "1992-01-01").charged("TH68010", "2024-08-01").charged("OF61016", "2025-04-10");
    let lifted = pb::BandOverride {
        band: pb::Band::VeryHigh.into(),
        scope: pb::OverrideScope::Both.into(),
        rationale: "Seen near the victim's school again.".to_owned(),
        officer: "INSP-1".to_owned(),
        expires_on: "2026-04-15".to_owned(),
        ..pb::BandOverride::default()
    };
    let lifted = Somebody::man("LIFTED", "1988-01-01").record("2026-03-25", Kind::BandOverride(lifted));
    for somebody in [marked, inside, rising, lifted] {
        client.write(somebody.records()).await;
    }
    let records = demonstration();
    for together in records.chunks(500) {
        client.write(together.to_vec()).await;
    }
    let mut nights: BTreeMap<String, Vec<Night>> = BTreeMap::new();
    for after in 0..=NIGHTS {
        let as_of = day(after);
        if after > 0 {
            let run = client.weigh_on(&as_of).await;
            assert_eq!(run.generation, u64::try_from(after).expect("nights are counted from 1"));
        }
        for (name, standing) in everybody(&mut client, 0).await {
            nights.entry(name).or_default().push(Night { as_of: as_of.parse().expect("a date"), standing });
        }
    }
    named_people(&nights);
    the_force(&records, &nights);

    // Each night can be read back as it was, the explanations too.
    for after in [1, 11, 30] {
        for (name, standing) in everybody(&mut client, after).await {
            let night = usize::try_from(after).expect("few nights");
            assert_eq!(standing, nights[&name][night].standing, "{name} after {after} nights");
        }
    }
}

fn named_people(nights: &BTreeMap<String, Vec<Night>>) {
    let marked = &nights["MARKED"];
    assert_eq!(turns(marked, |night| night.counts("MARKED-002")), ["2026-04-11"], "the day after it expired");
    assert!(marked[10].standing.threat > marked[11].standing.threat);

    let inside = &nights["INSIDE"];
    for night in inside {
        let left = "2026-05-20".parse::<Date>().expect("a date") - night.as_of;
        let expected = match left {
            ..=28 => 10_000,
            84.. => 3_000,
            left => 3_000 + (2 * 7_000 * (84 - left) + 56) / (2 * 56),
        };
        assert_eq!(night.detail().custody_factor, u32::try_from(expected).expect("a factor"), "{}", night.as_of);
    }
    assert_eq!(inside.iter().position(|night| night.detail().custody_factor == 10_000), Some(22), "28 days before");

    let rising = &nights["RISING"];
    assert_eq!(turns(rising, |night| night.detail().escalating), ["2026-04-11"], "a year and a day after");
    assert!(rising[0].detail().escalating);

    let lifted = &nights["LIFTED"];
    assert_eq!(turns(lifted, |night| night.standing.overridden), ["2026-04-16"], "the day after its last");
    assert_eq!(lifted[15].standing.effective_band(), pb::Band::VeryHigh);
    assert_ne!(lifted[16].standing.effective_band(), pb::Band::VeryHigh);
}

/// What holds of everybody, whoever they are.
fn the_force(records: &[pb::Record], nights: &BTreeMap<String, Vec<Night>>) {
    let last: Date = day(NIGHTS).parse().expect("a date");
    let within = |expires: &str| expires.parse::<Date>().ok().filter(|expires| *expires < last);
    let (mut markers, mut overrides) = (0, 0);
    for record in records {
        let nights = &nights[&record.subject_ref];
        match &record.kind {
            Some(Kind::Marker(marker)) => {
                let Some(expires) = within(&marker.expires_on) else { continue };
                for night in nights.iter().filter(|night| night.as_of > expires) {
                    assert!(!night.counts(&record.id), "{} after {expires}", record.id);
                }
                markers += usize::from(nights.iter().any(|night| night.as_of == expires && night.counts(&record.id)));
            }
            Some(Kind::BandOverride(decision)) => {
                let Some(expires) = within(&decision.expires_on) else { continue };
                let in_effect =
                    |night: &&Night| night.detail().r#override.as_ref().is_some_and(|held| held.record_id == record.id);
                for night in nights.iter().filter(|night| night.as_of > expires) {
                    assert!(!in_effect(&night), "{} after {expires}", record.id);
                }
                overrides += usize::from(nights.iter().filter(in_effect).any(|night| night.as_of == expires));
            }
            _ => {}
        }
    }
    let people = nights.values();
    let faded =
        people.clone().filter(|nights| nights[0].standing.harm > nights[nights.len() - 1].standing.harm).count();
    for nights in people.clone() {
        let harm: Vec<u32> = nights.iter().map(|night| night.standing.harm).collect();
        assert!(harm.windows(2).all(|pair| pair[1] <= pair[0]), "harm never rises by itself: {harm:?}");
    }
    let released = people
        .filter(|nights| !turns(nights, |night| (night.standing.custody, night.detail().custody_factor)).is_empty())
        .count();
    println!(
        "{} people over {NIGHTS} nights: {faded} faded, {markers} markers and {overrides} overrides ended on their night, \
         custody counted otherwise for {released}",
        nights.len()
    );
    assert!(faded > 100 && markers > 0 && overrides > 0 && released > 0);
}

#[tokio::test]
async fn a_second_run_is_told_of_the_first_and_what_is_not_there_is_told_by_name() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    client.write(Somebody::man("A", "1990-01-01").records()).await;
    client.weigh_on(&day(1)).await;
    let behind = client.rescore(AS_OF).await.expect_err("the lists are a day further");
    assert_eq!((behind.code(), reason(&behind).as_deref()), (tonic::Code::InvalidArgument, Some("INVALID_ARGUMENT")));
    let request = pb::ListStandingsRequest { list: pb::List::All.into(), generation: 9, ..Default::default() };
    let unknown = client.ranking.list_standings(request).await.expect_err("there is no such generation");
    assert_eq!(reason(&unknown).as_deref(), Some("UNKNOWN_GENERATION"));
    let unknown = client.ended(&crate::harness::new_id()).await.expect_err("there is no such run");
    assert_eq!(reason(&unknown).as_deref(), Some("UNKNOWN_RUN"));
    let wrong = pb::StartRescoreRequest { request_id: "x".to_owned(), as_of: "soon".to_owned(), dry_run: false };
    let wrong = client.rescore.start_rescore(wrong).await.expect_err("both are wrong");
    assert!(wrong.message().contains("request_id") && wrong.message().contains("as_of"), "{}", wrong.message());
    let mut replay =
        client.rescore.replay_generation(pb::ReplayGenerationRequest { generation: 1 }).await.expect("it is there");
    let mut outcome = None;
    while let Some(told) = replay.get_mut().message().await.expect("it must come to its end") {
        outcome = told.outcome.or(outcome);
    }
    assert!(outcome.expect("it must be told").same);
}
