//! What would change a band, and where people would stand by other tables of harm,
//! over a real server.

use std::path::Path;

use steelyard::pb;

use crate::harness::{Client, Server, reason, steelyard};
use crate::pages::Visitor;
use crate::people::{AS_OF, Somebody};

/// A force's own table, in which shop theft is the gravest offence.
fn table(directory: &Path) {
    std::fs::write(directory.join("ours.csv"), "code,harm_days\nTH68010,4000\nOF61102,2\n").expect("must be written");
}

fn server(tables: &Path) -> Server {
    let tables = tables.to_str().expect("must be text");
    Server::with(&["--memory", "--as-of", AS_OF, "--http-listen", "127.0.0.1:0", "--evaluation-harm-tables", tables])
}

async fn asked(client: &mut Client, subject_ref: &str) -> pb::GetStandingResponse {
    let request = pb::GetStandingRequest {
        subject_ref: subject_ref.to_owned(),
        with_counterfactuals: true,
        with_harm_tables: true,
        ..Default::default()
    };
    client.ranking.get_standing(request).await.expect("must be told").into_inner()
}

fn of(
    told: &pb::GetStandingResponse,
    kind: pb::CounterfactualKind,
    direction: pb::BandDirection,
) -> &pb::Counterfactual {
    let of_all = told.standings.iter().find(|listed| listed.list() == pb::List::All).expect("everybody is on it");
    let found = of_all.counterfactuals.iter().find(|it| it.kind() == kind && it.direction() == direction);
    found.unwrap_or_else(|| panic!("{kind:?} {direction:?} must be told of: {of_all:?}"))
}

fn rank(told: &pb::GetStandingResponse, table: &str) -> u32 {
    let found = told.harm_ranks.iter().find(|it| it.table == table && it.list() == pb::List::All);
    found.unwrap_or_else(|| panic!("{table} must be told of: {told:?}")).rank
}

#[tokio::test]
async fn what_would_change_a_band_is_told_when_it_is_asked_for_and_holds_when_it_is_done() {
    let home = tempfile::tempdir().expect("must be made");
    let server = server(home.path());
    let mut client = server.client().await;
    let assessed = |level, made| {
        let suspect = Somebody::man("SUSPECT", "1990-05-01").suspected("OF61017", "2026-03-01");
        suspect.assessed(pb::AssessmentKind::Dash, level, made, "2026-12-31")
    };
    let suspect = assessed(pb::AssessmentLevel::Medium, "2026-03-02");
    let assessment = suspect.last_id();
    client.write(suspect.records()).await;

    let plain = pb::GetStandingRequest { subject_ref: "SUSPECT".to_owned(), ..Default::default() };
    let plain = client.ranking.get_standing(plain).await.expect("must be told").into_inner();
    assert!(plain.harm_ranks.is_empty() && plain.standings.iter().all(|it| it.counterfactuals.is_empty()));

    let told = asked(&mut client, "SUSPECT").await;
    for listed in &told.standings {
        assert!(listed.counterfactual_notes[0].contains("advises nobody"), "{listed:?}");
        assert!(!listed.counterfactuals.is_empty());
        for it in &listed.counterfactuals {
            assert_eq!(it.found, it.reason.is_empty(), "{it:?}");
            assert!(!it.description.is_empty() && (it.found || it.evidence_ids.is_empty()), "{it:?}");
        }
    }
    let cleared = of(&told, pb::CounterfactualKind::RecordCleared, pb::BandDirection::Down);
    assert!(cleared.found && cleared.band() == pb::Band::Low, "{cleared:?}");
    let time = of(&told, pb::CounterfactualKind::OffenceFreeTime, pb::BandDirection::Down);
    assert!(time.found && time.size > 12 && time.as_of.as_str() > "2027-03-31", "{time:?}");
    let higher = of(&told, pb::CounterfactualKind::AssessmentRenewed, pb::BandDirection::Up);
    assert_eq!((higher.size, higher.unit.as_str(), &higher.evidence_ids), (1, "levels", &vec![assessment]));
    let reports = of(&told, pb::CounterfactualKind::IntelligenceRegraded, pb::BandDirection::Up);
    assert_eq!((reports.found, reports.reason.as_str()), (false, "NOTHING_HELD"));

    // What was foretold comes to pass.
    client.write(assessed(pb::AssessmentLevel::High, AS_OF).records()).await;
    let after = asked(&mut client, "SUSPECT").await;
    let of_all = after.standings.iter().find(|listed| listed.list() == pb::List::All).expect("everybody is on it");
    let standing = of_all.standing.as_ref().expect("is told");
    assert_eq!((standing.effective_band(), standing.composite), (higher.band(), higher.composite));
}

#[tokio::test]
async fn each_table_of_harm_gives_its_own_ranks_and_they_follow_the_lists() {
    let home = tempfile::tempdir().expect("must be made");
    table(home.path());
    let server = server(home.path());
    let mut client = server.client().await;
    client.write(Somebody::man("THIEF", "1990-05-01").charged("TH68010", "2026-03-01").records()).await;
    client.write(Somebody::man("FIGHTER", "1990-05-01").charged("OF61102", "2026-03-01").records()).await;
    let thief = asked(&mut client, "THIEF").await;
    let mut tables: Vec<&str> = thief.harm_ranks.iter().map(|it| it.table.as_str()).collect();
    tables.dedup();
    assert_eq!(tables, ["cambridge_harm_index", "maximum_sentence", "ours"]);
    assert_eq!((rank(&thief, "cambridge_harm_index"), rank(&thief, "ours")), (2, 1));
    let revision = thief.context.as_ref().expect("is told").revision;
    assert!(thief.harm_ranks.iter().all(|it| it.revision == revision && it.list_size >= 1 && !it.source.is_empty()));

    client.write(Somebody::man("OTHER", "1990-05-01").charged("TH68010", "2026-03-09").records()).await;
    let thief = asked(&mut client, "THIEF").await;
    assert_eq!((rank(&thief, "cambridge_harm_index"), rank(&thief, "ours")), (3, 2), "a newcomer's offence is newer");

    // On the screen, on the page, and in JSON.
    let screen = steelyard().args(["explain", "THIEF", "--what-if", "--server", &server.url()]).output().expect("runs");
    let screen = String::from_utf8_lossy(&screen.stdout).into_owned();
    for part in ["WHAT WOULD CHANGE THE BAND", "RANK BY EACH TABLE OF HARM", "ours", "from ours.csv"] {
        assert!(screen.contains(part), "{part} is not in {screen}");
    }
    let visitor = Visitor::of(&server);
    let page = visitor.get("/people?ref=THIEF&list=all").body;
    assert!(page.contains("what_if=on#what-if") && !page.contains("Rank by each table of harm"), "{page}");
    let page = visitor.get("/people?ref=THIEF&list=all&what_if=on").body;
    for part in ["advises nobody to do anything", "Rank by each table of harm", "from ours.csv"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[tokio::test]
async fn a_table_that_does_not_read_stops_the_start_with_every_wrong_line() {
    let home = tempfile::tempdir().expect("must be made");
    std::fs::write(home.path().join("ours.csv"), "code,harm_days\nNOPE,1\nTH68010,-2\n").expect("must be written");
    let directory = home.path().to_str().expect("must be text");
    let (code, said) = Server::refused(&["--memory", "--as-of", AS_OF, "--evaluation-harm-tables", directory]);
    assert_eq!(code, Some(64), "{said}");
    for part in ["evaluation.harm_tables", "ours.csv: line 2: \"NOPE\"", "line 3: \"-2\""] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[tokio::test]
async fn nobody_unknown_is_told_of() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    client.write(Somebody::man("A", "1990-05-01").charged("TH68010", "2026-03-01").records()).await;
    let request = pb::GetStandingRequest {
        subject_ref: "B".to_owned(),
        with_counterfactuals: true,
        with_harm_tables: true,
        ..Default::default()
    };
    let refused = client.ranking.get_standing(request).await.expect_err("is not held");
    assert_eq!(reason(&refused).as_deref(), Some("UNKNOWN_SUBJECT"));
}
