//! Who moved and how somebody stood, over the wire: what is refused, and that a
//! row of movements says of its ends what the lists of those ends say.

use steelyard::domain::Date;
use steelyard::pb;
use steelyard::pb::rescore_service_client::RescoreServiceClient;

use crate::client::{new_id, reason};
use crate::harness::{Client, Server, told};
use crate::people::{AS_OF, Somebody};
use crate::personas::everybody;

/// Publishes a generation of a day, so many days after [`AS_OF`].
async fn publish(server: &Server, days: i32) -> u64 {
    let mut client = RescoreServiceClient::connect(server.url()).await.expect("a ready server takes connections");
    let as_of = AS_OF.parse::<Date>().expect("must be a date") + days;
    let request = pb::StartRescoreRequest { request_id: new_id(), as_of: as_of.to_string(), ..Default::default() };
    let run = client.start_rescore(request).await.expect("a run must begin").into_inner().run.expect("must be told");
    let watch = pb::WatchRescoreRunRequest { run_id: run.run_id };
    let mut watched = client.watch_rescore_run(watch).await.expect("a run can be watched").into_inner();
    let mut last = None;
    while let Some(next) = watched.message().await.expect("the watch must come to its end") {
        last = next.run;
    }
    last.expect("a run must be told of").generation
}

fn asked(from_generation: u64, to_generation: u64) -> pb::ListMovementsRequest {
    pb::ListMovementsRequest { list: pb::List::All.into(), from_generation, to_generation, ..Default::default() }
}

async fn whole(client: &mut Client, generation: u64) -> Vec<pb::Standing> {
    let list = pb::List::All.into();
    let request = pb::ListStandingsRequest { list, page_size: 1_000, generation, ..Default::default() };
    client.ranking.list_standings(request).await.expect("a page must come").into_inner().standings
}

#[tokio::test]
async fn movements_agree_with_the_lists_at_both_ends_and_with_histories() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    for persona in everybody() {
        for records in persona.somebody.records().chunks(500) {
            client.write(records.to_vec()).await;
        }
    }
    let nobody = client.ranking.list_movements(asked(0, 0)).await.expect_err("nothing was published");
    assert_eq!(reason(&nobody).as_deref(), Some("UNKNOWN_GENERATION"));
    assert_eq!(publish(&server, 0).await, 1);
    client.write(Somebody::man("NEWCOMER", "1990-01-01").mappa(2, 3, "2026-03-01").records()).await;
    assert_eq!(publish(&server, 30).await, 2);

    let (before, after) = (whole(&mut client, 1).await, whole(&mut client, 0).await);
    let find = |list: &[pb::Standing], name: &str| list.iter().find(|row| row.subject_ref == name).cloned();
    let mut rows = Vec::new();
    let mut token = String::new();
    let counts = loop {
        let request = pb::ListMovementsRequest { page_size: 3, page_token: token, ..asked(0, 0) };
        let answer = client.ranking.list_movements(request).await.expect("they must be told").into_inner();
        rows.extend(answer.movements);
        token = answer.next_page_token;
        if token.is_empty() {
            break answer.counts;
        }
    };
    assert_eq!(counts.iter().map(|count| count.people as usize).sum::<usize>(), rows.len());
    assert!(rows.len() > 3, "thirty days move somebody");
    for row in &rows {
        let causes = row.causes.clone().expect("every row has its causes");
        assert_eq!(
            causes.time + causes.evidence + causes.policy,
            row.composite_after.cast_signed() - row.composite_before.cast_signed(),
            "{row:?}"
        );
        let place = |standing: pb::Standing| pb::MovementPlace {
            rank: standing.rank,
            effective_band: standing.effective_band,
            composite: standing.composite,
            threat: standing.threat,
            risk: standing.risk,
            harm: standing.harm,
        };
        assert_eq!(row.before, find(&before, &row.subject_ref).map(place));
        assert_eq!(row.after, find(&after, &row.subject_ref).map(place));
        let request = pb::ListStandingHistoryRequest { subject_ref: row.subject_ref.clone(), ..Default::default() };
        let history = client.ranking.list_standing_history(request).await.expect("it must be told").into_inner();
        let composites = history.entries.iter().map(|entry| entry.standing.map(|point| point.composite));
        let expected = [row.after.map(|place| place.composite), row.before.map(|place| place.composite)];
        assert_eq!(composites.collect::<Vec<_>>(), expected);
    }
    let newcomer = rows.iter().find(|row| row.subject_ref == "NEWCOMER").expect("somebody new has moved");
    assert_eq!((newcomer.kind(), newcomer.before), (pb::MovementKind::Entered, None));
    for row in after.iter().filter(|row| rows.iter().all(|moved| moved.subject_ref != row.subject_ref)) {
        let was = find(&before, &row.subject_ref).expect("who is new has moved");
        assert_eq!((was.effective_band, was.composite), (row.effective_band, row.composite));
    }
}

#[tokio::test]
async fn arguments_of_movements_and_histories_are_judged_all_at_once() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let request = pb::ListMovementsRequest {
        list: 0,
        kinds: vec![0, 99],
        areas: vec!["a\nb".to_owned()],
        page_size: 101,
        ..asked(3, 3)
    };
    let status = client.ranking.list_movements(request).await.expect_err("must be refused");
    for field in ["list: ", "kinds[0]: ", "kinds[1]: ", "areas[0]: ", "page_size: ", "to_generation: "] {
        assert!(told(&status).contains(field), "{field}{}", told(&status));
    }
    let request = pb::ListStandingHistoryRequest {
        list: 99,
        from_generation: 3,
        to_generation: 2,
        page_size: 1_001,
        ..Default::default()
    };
    let status = client.ranking.list_standing_history(request).await.expect_err("must be refused");
    for field in ["subject_ref: ", "list: ", "page_size: ", "to_generation: "] {
        assert!(told(&status).contains(field), "{field}{}", told(&status));
    }
    let unknown = pb::ListStandingHistoryRequest { subject_ref: "NOBODY".to_owned(), ..Default::default() };
    let status = client.ranking.list_standing_history(unknown).await.expect_err("must be refused");
    assert_eq!(reason(&status).as_deref(), Some("UNKNOWN_SUBJECT"));
}
