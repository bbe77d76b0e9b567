//! Whole lists over HTTP as CSV and Parquet: the rows that gRPC tells, to those who may
//! have them, and nothing in them that a spreadsheet would run.

use std::collections::BTreeSet;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::json;
use steelyard::pb;

use crate::harness::{Client, Server};
use crate::issuer::Issuer;
use crate::people::{AS_OF, Somebody};
use crate::personas::everybody;
use crate::web::{Told, Web};

const EXPORT: &str = "/v1/RankingService/ExportStandings";

/// A server that serves HTTP, with these arguments more.
fn serving(more: &[&str]) -> Server {
    Server::with(&[&["--memory", "--as-of", AS_OF, "--http-listen", "127.0.0.1:0"], more].concat())
}

/// Cells of a file, the names of the columns first.
fn cells(csv: &Told) -> Vec<Vec<String>> {
    assert_eq!(csv.status, 200, "{}", String::from_utf8_lossy(&csv.body));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&csv.body[..]);
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

/// Rows of a file as texts, written as CSV writes them.
fn rows(parquet: &Told) -> Vec<Vec<String>> {
    assert_eq!(parquet.status, 200, "{}", String::from_utf8_lossy(&parquet.body));
    let reader = SerializedFileReader::new(bytes::Bytes::from(parquet.body.clone())).expect("a Parquet file");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| {
        let told = |field: Field| match field {
            Field::Null => String::new(),
            Field::Str(text) => text,
            Field::Date(days) => steelyard::domain::Date::from_days(days).to_string(),
            Field::Long(number) => number.to_string(),
            Field::Bool(truth) => truth.to_string(),
            other => panic!("no column is of this kind: {other:?}"),
        };
        row.expect("a row").into_columns().into_iter().map(|(_, field)| told(field)).collect()
    })
    .collect()
}

/// A row as gRPC tells it, in the columns of a file.
fn told(context: &pb::ReadContext, standing: &pb::Standing) -> Vec<String> {
    let word =
        |name: &str, prefix: &str| name.strip_prefix(prefix).filter(|word| *word != "UNSPECIFIED").map(str::to_owned);
    let word = |name: &str, prefix: &str| word(name, prefix).unwrap_or_default();
    vec![
        "ALL".to_owned(),
        standing.subject_ref.clone(),
        standing.rank.to_string(),
        standing.position.to_string(),
        standing.filtered_position.to_string(),
        standing.percentile.to_string(),
        word(standing.effective_band().as_str_name(), "BAND_"),
        word(standing.computed_band().as_str_name(), "BAND_"),
        standing.composite.to_string(),
        standing.threat.to_string(),
        standing.risk.to_string(),
        standing.harm.to_string(),
        standing.provisional.to_string(),
        standing.overridden.to_string(),
        standing.child.to_string(),
        standing.outstanding_since.clone(),
        word(standing.cohort_status().as_str_name(), "COHORT_STATUS_"),
        word(standing.rag().as_str_name(), "RAG_"),
        word(standing.custody().as_str_name(), "CUSTODY_STATE_"),
        word(standing.circulation().as_str_name(), "CIRCULATION_"),
        context.as_of.clone(),
        context.revision.to_string(),
        context.generation.to_string(),
        context.policy_version.clone(),
        context.stale.to_string(),
    ]
}

async fn exported(client: &mut Client) -> Vec<Vec<String>> {
    let request = pb::ExportStandingsRequest { list: pb::List::All.into(), ..Default::default() };
    let mut parts = client.ranking.export_standings(request).await.expect("an export must come").into_inner();
    let mut rows = Vec::new();
    while let Some(part) = parts.message().await.expect("a part must come") {
        let context = part.context.expect("every part says what it is of");
        rows.extend(part.standings.iter().map(|standing| told(&context, standing)));
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_forms_have_the_rows_that_grpc_tells_in_their_order() {
    let server = serving(&[]);
    let mut client = server.client().await;
    for persona in everybody() {
        for records in persona.somebody.records().chunks(500) {
            client.write(records.to_vec()).await;
        }
    }
    // More people than one part has rows.
    let many = (0..1_200).flat_map(|number| Somebody::man(&format!("M-{number:04}"), "1990-02-03").records());
    for records in many.collect::<Vec<_>>().chunks(500) {
        client.write(records.to_vec()).await;
    }
    let expected = exported(&mut client).await;
    assert!(expected.len() > 1_200);
    let web = Web::of(&server);
    let by_query = web.get(&format!("{EXPORT}?list=all&format=csv"), &[]);
    let by_header = web.get(&format!("{EXPORT}?list=all"), &[("accept", "text/csv")]);
    let by_body = web.post(EXPORT, &[("accept", "text/csv")], &json!({ "list": "LIST_ALL" }));
    assert_eq!(by_query.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let name = format!("attachment; filename=\"steelyard-all-{AS_OF}.csv\"");
    assert_eq!(by_query.header("content-disposition"), Some(&*name));
    assert_eq!(by_query.header("x-content-type-options"), Some("nosniff"));
    assert_eq!((&by_header.body, &by_body.body), (&by_query.body, &by_query.body));
    let cells = cells(&by_query);
    assert_eq!(cells[0][..3], ["list", "subject_ref", "rank"]);
    assert_eq!(cells[1..], expected);
    let parquet = web.get(&format!("{EXPORT}?list=all"), &[("accept", "application/vnd.apache.parquet")]);
    assert_eq!(parquet.header("content-type"), Some("application/vnd.apache.parquet"));
    assert_eq!(rows(&parquet), expected);
    // What is compressed already is not compressed again; what is text may be.
    let accepting = [("accept-encoding", "gzip")];
    let parquet = web.get(&format!("{EXPORT}?list=all&format=parquet"), &accepting);
    assert_eq!(parquet.header("content-encoding"), None);
    assert_eq!(web.get(&format!("{EXPORT}?list=all&format=csv"), &accepting).header("content-encoding"), Some("gzip"));
    // A filter narrows a file as it narrows a list.
    let narrowed = web.get(&format!("{EXPORT}?list=all&format=csv&filter.bands=VERY_HIGH"), &[]);
    let narrowed: Vec<_> = self::cells(&narrowed)[1..].iter().map(|row| row[6].clone()).collect();
    assert!(!narrowed.is_empty() && narrowed.iter().all(|band| band == "VERY_HIGH"), "{narrowed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_formula_or_script_comes_out_as_text() {
    let server = serving(&[]);
    let mut client = server.client().await;
    let stored = [
        "=HYPERLINK(\"http://evil.example\",\"x\")",
        "+SUM(1,1)",
        "-2+3",
        "@cmd",
        "\u{FF1D}1+1",
        "a;=1+1;",
        "<script>alert(1)</script>",
        "plain-1",
    ];
    for subject_ref in stored {
        let mut somebody = Somebody::man(subject_ref, "1990-02-03");
        if let Some(pb::record::Kind::Person(person)) = &mut somebody.last().kind {
            person.areas = vec!["=AREA()".to_owned(), "<script>area</script>".to_owned()];
        }
        client.write(somebody.records()).await;
    }
    let web = Web::of(&server);
    let csv = web.get(&format!("{EXPORT}?list=all&format=csv"), &[]);
    let references: BTreeSet<String> = cells(&csv)[1..].iter().map(|row| row[1].clone()).collect();
    let expected = [
        "'=HYPERLINK(\"http://evil.example\",\"x\")",
        "'+SUM(1,1)",
        "'-2+3",
        "'@cmd",
        "'\u{FF1D}1+1",
        "a;'=1+1;",
        "<script>alert(1)</script>",
        "plain-1",
    ];
    assert_eq!(references, expected.map(str::to_owned).into());
    // A browser is told not to look whether the text might be a page, and to keep it as a file.
    assert_eq!(csv.header("x-content-type-options"), Some("nosniff"));
    assert!(csv.header("content-disposition").is_some_and(|value| value.starts_with("attachment")));
    assert!(!String::from_utf8_lossy(&csv.body).contains("AREA"), "an area has no column");
    // A program that reads Parquet computes nothing: it has the references as they are.
    let parquet = web.get(&format!("{EXPORT}?list=all&format=parquet"), &[]);
    let references: BTreeSet<String> = rows(&parquet).iter().map(|row| row[1].clone()).collect();
    assert_eq!(references, stored.map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_those_in_scope_are_in_a_file_and_only_those_who_may_have_it() {
    let issuer = Issuer::new();
    let arguments = issuer.arguments();
    let server = serving(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let web = Web::of(&server);
    let bearer = |roles: &[&str], areas: &[&str]| format!("Bearer {}", issuer.token("somebody", roles, areas));
    let writer = bearer(&["evidence_writer"], &["*"]);
    for (subject_ref, area) in [("NORTH-1", "Northgate"), ("CANARY-1", "Southgate"), ("NORTH-2", "Northgate")] {
        let body = json!({
            "requestId": crate::client::new_id(),
            "records": [{
                "id": format!("{subject_ref}-r"), "subjectRef": subject_ref, "sourceSystem": "test",
                "eventDate": "2026-01-05", "recordedTime": "2026-01-05T18:00:00Z",
                "person": { "birthDate": "1990-02-03", "sex": "SEX_MALE", "areas": [area] },
            }],
        });
        let written = web.post("/v1/EvidenceService/WriteEvidence", &[("authorization", &writer)], &body);
        assert_eq!(written.status, 200, "{}", written.json());
    }
    let ask =
        |format: &str, token: &str| web.get(&format!("{EXPORT}?list=all&format={format}"), &[("authorization", token)]);
    let north = bearer(&["analyst"], &["Northgate"]);
    let csv = ask("csv", &north);
    assert!(!String::from_utf8_lossy(&csv.body).contains("CANARY"));
    let names = |rows: &[Vec<String>]| rows.iter().map(|row| row[1].clone()).collect::<BTreeSet<_>>();
    let expected: BTreeSet<_> = ["NORTH-1", "NORTH-2"].map(str::to_owned).into();
    assert_eq!(names(&cells(&csv)[1..]), expected);
    let parquet = ask("parquet", &north);
    // Texts of a column that is never there twice lie in the file as they are, or compressed: both are looked at.
    assert!(!String::from_utf8_lossy(&parquet.body).contains("CANARY"));
    assert_eq!(names(&rows(&parquet)), expected);
    let everybody = bearer(&["analyst"], &["*"]);
    assert!(String::from_utf8_lossy(&ask("csv", &everybody).body).contains("CANARY"), "the canary must be findable");
    for format in ["csv", "parquet"] {
        let refused = ask(format, &bearer(&["reader"], &["*"]));
        assert_eq!((refused.status, &*refused.reason()), (403, "PERMISSION_DENIED"), "{format}");
        let unknown = web.get(&format!("{EXPORT}?list=all&format={format}"), &[]);
        assert_eq!((unknown.status, &*unknown.reason()), (401, "UNAUTHENTICATED"), "{format}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_for_is_a_problem_and_no_file() {
    let server = serving(&[]);
    let web = Web::of(&server);
    for format in ["csv", "parquet"] {
        let nowhere = web.get(&format!("{EXPORT}?list=nowhere&view=full&format={format}"), &[]);
        assert_eq!((nowhere.status, &*nowhere.reason()), (400, "INVALID_ARGUMENT"));
        let told = nowhere.json();
        let fields: Vec<_> = told["violations"].as_array().into_iter().flatten().map(|told| &told["field"]).collect();
        assert_eq!(fields, ["list", "view"], "every violation at once");
        let elsewhere = web.get(&format!("/v1/RankingService/ListStandings?list=all&format={format}"), &[]);
        assert_eq!((elsewhere.status, &*elsewhere.reason()), (406, "NOT_ACCEPTABLE"));
    }
    let empty = web.get(&format!("{EXPORT}?list=all&format=csv"), &[]);
    assert_eq!(cells(&empty).len(), 1, "an empty list has its columns");
    assert!(rows(&web.get(&format!("{EXPORT}?list=all&format=parquet"), &[])).is_empty());
    let columns = web.get("/data-dictionary.json", &[]).json();
    let names: Vec<_> = columns["columns"].as_array().into_iter().flatten().map(|column| &column["name"]).collect();
    assert_eq!(names, cells(&empty)[0].iter().collect::<Vec<_>>());
    assert!(empty.header("link").is_some_and(|link| link.contains("/data-dictionary.json")));
}
