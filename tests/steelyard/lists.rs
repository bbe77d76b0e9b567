//! What readers rely on: pages that neither repeat nor skip, ranks of the whole
//! list, explanations that sum, comparisons that add up.

use std::collections::BTreeSet;

use steelyard::domain::Date;
use steelyard::pb;
use steelyard::pb::batch_standing::Result as Found;
use tonic_types::StatusExt;

use crate::harness::{Client, Server, told};
use crate::people::Somebody;
use crate::personas::everybody;

async fn force(server: &Server) -> Client {
    let mut client = server.client().await;
    for persona in everybody() {
        for records in persona.somebody.records().chunks(500) {
            client.write(records.to_vec()).await;
        }
    }
    client
}

async fn page(client: &mut Client, size: u32, page_token: &str) -> pb::ListStandingsResponse {
    let request = pb::ListStandingsRequest {
        list: pb::List::All.into(),
        page_size: size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    client.ranking.list_standings(request).await.expect("a page must come").into_inner()
}

#[tokio::test]
async fn pages_never_repeat_or_skip_while_everything_changes() {
    let server = Server::in_memory();
    let mut client = force(&server).await;
    let expected: Vec<String> =
        client.whole(pb::List::All, 1_000).await.into_iter().map(|standing| standing.subject_ref).collect();
    let mut seen = Vec::new();
    let mut token = String::new();
    let mut revisions = BTreeSet::new();
    for round in 0.. {
        let page = page(&mut client, 3, &token).await;
        seen.extend(page.standings.into_iter().map(|standing| standing.subject_ref));
        revisions.insert(page.context.expect("every read says what it is of").revision);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        // A newcomer at the top and a change of somebody on the list, between any two pages.
        let name = format!("NEWCOMER-{round}");
        client.write(Somebody::man(&name, "1990-01-01").mappa(2, 3, "2026-03-01").records()).await;
    }
    assert_eq!(seen, expected);
    assert_eq!(revisions.len(), 1, "a chain of pages is of one snapshot");
}

#[tokio::test]
async fn ranks_are_of_the_whole_list_whatever_the_filter() {
    let server = Server::in_memory();
    let mut client = force(&server).await;
    let whole = client.whole(pb::List::All, 1_000).await;
    for (place, standing) in (1..).zip(&whole) {
        assert_eq!(standing.position, place);
        let above = whole
            .iter()
            .filter(|other| (other.effective_band, other.composite) > (standing.effective_band, standing.composite));
        assert_eq!(standing.rank as usize, above.count() + 1, "competition rank on band and composite");
    }
    let filter = pb::StandingFilter { bands: vec![pb::Band::Medium.into()], ..Default::default() };
    let request = pb::ListStandingsRequest { list: pb::List::All.into(), filter: Some(filter), ..Default::default() };
    let filtered = client.ranking.list_standings(request).await.expect("a page must come").into_inner().standings;
    let expected: Vec<&pb::Standing> =
        whole.iter().filter(|standing| standing.effective_band == i32::from(pb::Band::Medium)).collect();
    assert!(!expected.is_empty());
    assert_eq!(filtered.len(), expected.len());
    for ((place, found), expected) in (1..).zip(&filtered).zip(expected) {
        assert_eq!((found.position, found.rank, found.filtered_position), (expected.position, expected.rank, place));
    }
}

#[tokio::test]
async fn every_milli_point_is_traced_to_a_record() {
    let server = Server::in_memory();
    let mut client = force(&server).await;
    for standing in client.whole(pb::List::All, 1_000).await {
        let held: BTreeSet<String> = {
            let request = pb::ListEvidenceRequest {
                subject_ref: standing.subject_ref.clone(),
                page_size: 1_000,
                ..Default::default()
            };
            let answer = client.evidence.list_evidence(request).await.expect("evidence must be listed").into_inner();
            answer.records.into_iter().filter_map(|held| held.record).map(|record| record.id).collect()
        };
        let answer = client.standing(&standing.subject_ref).await.expect("must be known");
        for listed in answer.standings {
            let standing = listed.standing.expect("every list has a standing");
            let detail = standing.detail.expect("the view is FULL");
            let sum: u32 = detail.contributions.iter().map(|contribution| contribution.milli_points).sum();
            assert_eq!(sum, standing.composite, "{} on {:?}", standing.subject_ref, listed.list);
            for contribution in detail.contributions {
                assert!(!contribution.rule.is_empty() && !contribution.description.is_empty());
                assert!(
                    contribution.evidence_ids.iter().all(|id| held.contains(id)),
                    "{}: {contribution:?} names a record that is not held",
                    standing.subject_ref
                );
                let of_records = contribution.component != i32::from(pb::Component::Risk);
                assert!(!of_records || !contribution.evidence_ids.is_empty(), "{contribution:?} names no record");
            }
        }
    }
}

#[tokio::test]
async fn a_comparison_adds_up_to_the_gap() {
    let server = Server::in_memory();
    let mut client = force(&server).await;
    let whole = client.whole(pb::List::All, 1_000).await;
    for pair in whole.windows(2) {
        let request = pb::CompareStandingsRequest {
            list: pb::List::All.into(),
            subject_ref_a: pair[1].subject_ref.clone(),
            subject_ref_b: pair[0].subject_ref.clone(),
            ..Default::default()
        };
        let answer = client.ranking.compare_standings(request).await.expect("must compare").into_inner();
        assert_eq!(answer.above.as_ref().map(|above| &above.subject_ref), Some(&pair[0].subject_ref));
        let sum: i32 = answer.differences.iter().map(|difference| difference.difference).sum();
        assert_eq!(sum, answer.gap);
        assert_eq!(i64::from(answer.gap), i64::from(pair[0].composite) - i64::from(pair[1].composite));
        assert!(answer.explanation.contains(&pair[0].subject_ref), "{}", answer.explanation);
    }
}

#[tokio::test]
async fn neighbours_and_batches_agree_with_the_list() {
    let server = Server::in_memory();
    let mut client = force(&server).await;
    let whole = client.whole(pb::List::All, 1_000).await;
    let middle = whole.len() / 2;
    let request = pb::GetNeighbourhoodRequest {
        list: pb::List::All.into(),
        subject_ref: whole[middle].subject_ref.clone(),
        k: 3,
        ..Default::default()
    };
    let near = client.ranking.get_neighbourhood(request).await.expect("must be found").into_inner();
    assert_eq!(near.above, whole[middle - 3..middle]);
    assert_eq!(near.subject.as_ref(), Some(&whole[middle]));
    assert_eq!(near.below, whole[middle + 1..middle + 4]);
    let request = pb::BatchGetStandingsRequest {
        list: pb::List::Outstanding.into(),
        subject_refs: vec!["ESCAPED".to_owned(), "NOBODY".to_owned(), "BURGLAR".to_owned()],
        ..Default::default()
    };
    let batch = client.ranking.batch_get_standings(request).await.expect("must be answered").into_inner();
    let results: Vec<Option<Found>> = batch.results.into_iter().map(|answer| answer.result).collect();
    assert!(matches!(&results[0], Some(Found::Standing(standing)) if standing.subject_ref == "ESCAPED"));
    assert_eq!(results[1], Some(Found::Reason(pb::ErrorReason::UnknownSubject.into())));
    assert_eq!(results[2], Some(Found::Reason(pb::ErrorReason::NotOnList.into())));
}

#[tokio::test]
async fn an_export_resumes_where_it_broke_off() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    for batch in 0..3 {
        let records =
            (0..900).flat_map(|person| Somebody::man(&format!("P-{batch}-{person:04}"), "1990-01-01").records());
        client.write(records.collect()).await;
    }
    let expected = client.whole(pb::List::All, 1_000).await;
    let export = |resume_token: String| pb::ExportStandingsRequest {
        list: pb::List::All.into(),
        resume_token,
        ..Default::default()
    };
    let mut parts = client.ranking.export_standings(export(String::new())).await.expect("must begin").into_inner();
    let first = parts.message().await.expect("must go on").expect("has a part");
    drop(parts);
    let mut exported = first.standings;
    let mut parts = client.ranking.export_standings(export(first.resume_token)).await.expect("must go on").into_inner();
    while let Some(part) = parts.message().await.expect("must go on") {
        exported.extend(part.standings);
    }
    assert_eq!(exported, expected);
}

#[tokio::test]
async fn a_summary_counts_what_the_list_shows() {
    let server = Server::in_memory();
    let mut client = force(&server).await;
    let whole = client.whole(pb::List::Outstanding, 1_000).await;
    let request = pb::GetListSummaryRequest { list: pb::List::Outstanding.into(), ..Default::default() };
    let summary = client.ranking.get_list_summary(request).await.expect("must be answered").into_inner();
    assert_eq!(summary.size as usize, whole.len());
    let by_band: Vec<u32> = summary.by_band.iter().map(|count| count.count).collect();
    let bands = [pb::Band::VeryHigh, pb::Band::High, pb::Band::Medium, pb::Band::Low];
    let expected: Vec<u32> = bands
        .iter()
        .map(|band| {
            let of = whole.iter().filter(|standing| standing.effective_band == i32::from(*band));
            u32::try_from(of.count()).expect("a small count")
        })
        .collect();
    assert_eq!(by_band, expected);
    assert_eq!(summary.distribution.iter().sum::<u32>(), summary.size);
    assert!(summary.by_reason.iter().any(|count| count.name == "RECALL_EMERGENCY" && count.count == 1));
}

#[tokio::test]
async fn a_reader_reads_its_own_write() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    for round in 0..20 {
        let name = format!("OWN-{round}");
        let written = client.write(Somebody::man(&name, "1990-01-01").records()).await;
        let request =
            pb::GetStandingRequest { subject_ref: name, min_revision: written.revision, ..Default::default() };
        let read = client.ranking.get_standing(request).await.expect("must be seen").into_inner();
        assert!(read.context.is_some_and(|context| context.revision >= written.revision));
    }
    let ahead =
        pb::GetStandingRequest { subject_ref: "OWN-0".to_owned(), min_revision: 1_000_000, ..Default::default() };
    let refused = client.ranking.get_standing(ahead).await.expect_err("will not be reached");
    assert!(told(&refused).contains("REVISION_NOT_REACHED"), "{}", told(&refused));
}

#[tokio::test]
async fn moving_the_day_weighs_everyone_anew() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut harm = Vec::new();
    for day in ["2026-03-31", "2027-03-31"] {
        let server = Server::on(folder.path(), &["--as-of", day]);
        let mut client = server.client().await;
        client
            .write(Somebody::man("FADING", "1990-01-01").convicted("OF61102", "2026-03-01", "2026-03-20").records())
            .await;
        let standing = client.on_list("FADING", pb::List::All).await;
        let context = client.standing("FADING").await.expect("must be known").context.expect("every read says");
        assert_eq!(context.as_of, day);
        let days: Date = day.parse().expect("a date");
        assert_eq!(context.stale, Date::in_london(jiff::Timestamp::now()) > days + 1);
        harm.push(standing.harm);
        assert!(server.stop().await.success());
    }
    assert!(harm[1] < harm[0], "harm fades: {harm:?}");
}

#[tokio::test]
#[expect(clippy::needless_update, reason = "some of these requests have no further field")]
async fn every_read_refuses_a_revision_of_before_a_restore_at_once() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    for name in ["RESTORED-1", "RESTORED-2"] {
        client.write(Somebody::man(name, "1990-01-01").records()).await;
    }
    let own = client.standing("RESTORED-1").await.expect("must be known").context.expect("must have one").store;
    let (here, _) = own.split_once('-').expect("a mark has two parts");
    let list = pb::List::All.into();
    let (subject_ref, other) = ("RESTORED-1".to_owned(), "RESTORED-2".to_owned());
    for (store, reason) in [
        (own.clone(), None),
        (format!("{here}-00000000"), Some("STORE_RESTORED")),
        ("00000000-00000000".to_owned(), Some("ANOTHER_STORE")),
        ("what is this".to_owned(), Some("INVALID_ARGUMENT")),
    ] {
        let store = || store.clone();
        // A revision that will never come: nobody may wait for it under another mark.
        let min_revision = if reason.is_some() { u64::MAX } else { 1 };
        macro_rules! ask {
            ($client:ident, $method:ident, $request:ident { $($field:ident $(: $value:expr)?),* }) => {
                client.$client.$method(pb::$request {
                    $($field $(: $value)?,)* min_revision, store: store(), ..Default::default()
                }).await.map(drop)
            };
        }
        let export = pb::ExportStandingsRequest { list, min_revision, store: store(), ..Default::default() };
        let mut export = client.ranking.export_standings(export).await.expect("the stream must begin").into_inner();
        let subject_refs = vec![subject_ref.clone()];
        let (a, b) = (subject_ref.clone(), other.clone());
        let answers = [
            ask!(ranking, list_standings, ListStandingsRequest { list }),
            ask!(ranking, get_standing, GetStandingRequest { subject_ref: subject_ref.clone() }),
            ask!(ranking, batch_get_standings, BatchGetStandingsRequest { list, subject_refs }),
            ask!(ranking, get_neighbourhood, GetNeighbourhoodRequest { list, subject_ref: subject_ref.clone() }),
            ask!(ranking, compare_standings, CompareStandingsRequest { list, subject_ref_a: a, subject_ref_b: b }),
            ask!(ranking, get_list_summary, GetListSummaryRequest { list }),
            ask!(ranking, list_standing_history, ListStandingHistoryRequest { subject_ref: subject_ref.clone() }),
            ask!(evidence, get_subject, GetSubjectRequest { subject_ref: subject_ref.clone() }),
            ask!(evidence, list_evidence, ListEvidenceRequest { subject_ref: subject_ref.clone() }),
            export.message().await.map(drop),
        ];
        for answer in answers {
            let details = answer.err().map(|status| status.get_error_details());
            let found = details.and_then(|details| details.error_info().map(|info| info.reason.clone()));
            assert_eq!(found.as_deref(), reason);
        }
    }
}
