//! The person that docs/METHOD.md follows through every number: each figure on
//! that page is the one that the server gives.

use steelyard::pb;
use steelyard::pb::record::Kind;

use crate::harness::{Client, Server};
use crate::people::AS_OF;

const PAGE: &str = include_str!("../../docs/METHOD.md");
const RECORDS: &str = include_str!("../../examples/worked-person.ndjson");
const PERSON: &str = "worked-1";

fn records() -> Vec<pb::Record> {
    RECORDS.lines().map(|line| serde_json::from_str(line).expect("the example must hold records")).collect()
}

/// The person as `name`, with the records changed: other people's records may not share an id.
fn variant(name: &str, change: impl FnOnce(&mut Vec<pb::Record>)) -> Vec<pb::Record> {
    let mut records = records();
    change(&mut records);
    let named = |id: &str| format!("{name}-{id}");
    for record in &mut records {
        record.id = named(&record.id);
        name.clone_into(&mut record.subject_ref);
        match record.kind.as_mut().expect("a record must have a kind") {
            Kind::Offence(offence) => {
                if let Some(victim) = &mut offence.victim {
                    // The same victim in two people's records would be a repeat victim.
                    victim.victim_ref = named(&victim.victim_ref);
                }
            }
            Kind::Custody(stay) => stay.offence_ids.iter_mut().for_each(|id| *id = named(id)),
            Kind::Outstanding(file) => file.offence_ids.iter_mut().for_each(|id| *id = named(id)),
            Kind::Breach(breach) => breach.order_id = named(&breach.order_id),
            Kind::Person(_)
            | Kind::SanctionSummary(_)
            | Kind::Marker(_)
            | Kind::Intelligence(_)
            | Kind::Assessment(_)
            | Kind::Order(_)
            | Kind::Exploitation(_)
            | Kind::CohortMembership(_)
            | Kind::BandOverride(_)
            | Kind::Activity(_)
            | Kind::Review(_)
            | Kind::CohortDecision(_) => {}
        }
    }
    records
}

fn kind_of<'r>(records: &'r mut [pb::Record], id: &str) -> &'r mut Kind {
    let record = records.iter_mut().find(|record| record.id == id).expect("the example must hold the record");
    record.kind.as_mut().expect("a record must have a kind")
}

fn added(event_date: &str, kind: Kind) -> pb::Record {
    pb::Record {
        id: "added".to_owned(),
        source_system: "example".to_owned(),
        event_date: event_date.to_owned(),
        category: pb::PersonCategory::Convicted.into(),
        kind: Some(kind),
        ..Default::default()
    }
}

/// Rows of the first table under a heading of the page, without its header. Code marks are taken off.
fn table(heading: &str) -> Vec<Vec<String>> {
    let (_, section) = PAGE.split_once(&format!("\n### {heading}\n")).expect("the page must have the heading");
    let rows: Vec<&str> =
        section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 2, "the table under {heading} must have rows");
    let cells = |row: &&str| {
        let inner = row.trim_matches('|');
        inner.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    rows[2..].iter().map(cells).collect()
}

fn milli(cell: &str) -> u32 {
    cell.replace([',', '.'], "").parse().expect("the cell must hold a whole number")
}

fn detail(standing: &pb::Standing) -> &pb::StandingDetail {
    standing.detail.as_ref().expect("a standing asked for alone must be explained")
}

async fn weighed(server: &Server) -> (Client, pb::Standing) {
    let mut client = server.client().await;
    client.write(records()).await;
    let standing = client.on_list(PERSON, pb::List::Cohort).await;
    (client, standing)
}

#[tokio::test]
async fn the_parts_and_the_score_are_those_on_the_page() {
    let server = Server::in_memory();
    let (_, standing) = weighed(&server).await;
    let parts: Vec<(String, u32)> =
        table("His score").into_iter().map(|row| (row[0].clone(), milli(&row[1]))).collect();
    let given = [("threat", standing.threat), ("risk", standing.risk), ("harm", standing.harm)];
    assert_eq!(parts, given.map(|(part, milli)| (part.to_owned(), milli)));
    // The page's own arithmetic, to the hundredth of a milli-point.
    let together: f64 = table("His score")
        .iter()
        .map(|row| row[3].replace(',', "").parse::<f64>().expect("the cell must hold a number"))
        .sum();
    assert!((together - 30_587.55).abs() < 1e-6, "{together}");
    assert_eq!(standing.composite, 30_588);
    assert!(PAGE.contains("**30,588 milli-points, 30.588 points**"));
    assert_eq!((standing.computed_band(), standing.effective_band()), (pb::Band::Medium, pb::Band::High));
    let floors: Vec<&str> = detail(&standing).floors.iter().map(|floor| floor.rule.as_str()).collect();
    assert_eq!(floors, ["DASH_HIGH"]);
    assert!(!standing.provisional);
}

#[tokio::test]
async fn every_share_on_the_page_is_the_servers_and_no_other_record_has_one() {
    let server = Server::in_memory();
    let (_, standing) = weighed(&server).await;
    let told: Vec<(String, String, u32)> = table("Every milli-point has a reason")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone(), milli(&row[3])))
        .collect();
    let given: Vec<(String, String, u32)> = detail(&standing)
        .contributions
        .iter()
        .map(|share| {
            let about = if share.component() == pb::Component::Risk {
                "his sanctions".to_owned()
            } else {
                share.evidence_ids.join(" ")
            };
            (about, share.rule.clone(), share.milli_points)
        })
        .collect();
    assert_eq!(told, given);
    assert_eq!(told.iter().map(|(_, _, milli)| milli).sum::<u32>(), standing.composite);
}

#[tokio::test]
async fn the_numbers_behind_each_share_are_those_on_the_page() {
    let server = Server::in_memory();
    let (_, standing) = weighed(&server).await;
    let factor = |id: &str, name: &str| {
        let share = detail(&standing).contributions.iter().find(|share| share.rule == id || share.evidence_ids == [id]);
        let share = share.unwrap_or_else(|| panic!("{id} must have a share"));
        let factor = share.factors.iter().find(|factor| factor.name == name);
        factor.unwrap_or_else(|| panic!("{id} must tell {name}")).value.clone()
    };
    let harm = ["harm_days", "proof", "victim", "age_days", "decay", "d"];
    for row in table("His harm") {
        for (name, cell) in harm.iter().zip(&row[1..]) {
            assert_eq!(factor(&row[0], name), cell.replace(',', ""), "{name} of {}", row[0]);
        }
    }
    for row in table("His threat") {
        assert_eq!(factor(&row[0], "age_days"), row[3]);
        let strength: f64 = factor(&row[0], "strength").parse().expect("a strength must be a number");
        let told: f64 = row[5].parse().expect("the cell must hold a number");
        assert!((strength - told).abs() < 1e-4, "{strength} and {told}");
    }
    let (_, predictors) = PAGE.split_once("| predictor | z |").expect("the page must show the predictors");
    for rule in ["ARP", "VRP", "SVRP"] {
        let row = predictors.lines().find(|line| line.starts_with(&format!("| {rule} |")));
        let row = row.unwrap_or_else(|| panic!("the page must show {rule}"));
        let probability = factor(rule, "probability");
        let percent = format!("{:.4} %", 100.0 * probability.parse::<f64>().expect("a probability must be a number"));
        for told in [percent, format!("= {} |", factor(rule, "points")), format!("| {} % |", factor(rule, "weight"))] {
            assert!(row.contains(&told), "{row} must tell {told}");
        }
    }
}

#[tokio::test]
async fn what_would_change_it_changes_it_as_the_page_says() {
    let dropped = variant("dropped", |records| {
        let Kind::Offence(offence) = kind_of(records, "partner") else { panic!("partner must be an offence") };
        offence.set_outcome(pb::Outcome::NoFurtherAction);
        AS_OF.clone_into(&mut offence.outcome_date);
        records.iter_mut().filter(|record| record.id == "partner").for_each(|record| record.recorded_time = None);
    });
    let unborn = variant("unborn", |records| {
        let Kind::Person(person) = kind_of(records, "person") else { panic!("person must be a person") };
        person.birth_date.clear();
    });
    let wanted = variant("wanted", |records| {
        let file = pb::Outstanding {
            reason: pb::OutstandingReason::FailedToSurrenderCourtBail.into(),
            offence_ids: vec!["partner".to_owned()],
            periods: vec![pb::OpenPeriod { opened_on: "2026-03-21".to_owned(), ..Default::default() }],
            circulation: pb::Circulation::PncWanted.into(),
            ..Default::default()
        };
        records.push(added("2026-03-21", Kind::Outstanding(file)));
    });
    let inside = variant("inside", |records| {
        let sentence = pb::Custody {
            custody_kind: pb::CustodyKind::Sentence.into(),
            planned_release: "2026-09-30".to_owned(),
            ..Default::default()
        };
        records.push(added(AS_OF, Kind::Custody(sentence)));
    });
    let server = Server::in_memory();
    let mut client = server.client().await;
    client.write([dropped, unborn, wanted, inside].concat()).await;

    let rows = table("What would change it");
    assert_eq!(rows.len(), 4);
    for (name, row) in ["dropped", "unborn", "wanted", "inside"].into_iter().zip(rows) {
        let list = pb::List::from_str_name(&format!("LIST_{}", row[1])).expect("the page must name a list");
        let standing = client.on_list(name, list).await;
        let band = format!("BAND_{}", row[3].replace(' ', "_"));
        assert_eq!(
            (standing.composite, standing.effective_band().as_str_name()),
            (milli(&row[2]), band.as_str()),
            "{name}"
        );
        if name == "unborn" {
            let points = |milli: u32| format!("{}.{:03}", milli / 1000, milli % 1000);
            let interval = detail(&standing).interval.expect("a standing explained must have an interval");
            let ends = format!("from {} to {}", points(interval.low), points(interval.high));
            assert!(row[4].contains(&ends), "{} must tell {ends}", row[4]);
        }
    }
}

#[test]
fn a_reader_with_a_calculator_gets_the_probabilities_on_the_page() {
    // What each row of the table is multiplied by: 28 years and its powers, the category, three occasions, one month,
    // the rate of sanctions and its square, violent occasions, their rate, and exactly one of them.
    let rates = [libm::log(3.0 / 32.0), libm::log(3.0 / 18.0), libm::log(3.0 / 18.0)];
    let quantities = |rate: f64| {
        [1.0, 28.0, 784.0, 21_952.0, 614_656.0, 1.0, 3.0, 1.0, rate, rate * rate, 1.0, libm::log(1.0 / 36.0), 1.0]
    };
    let rows = table("His risk");
    let (_, predictors) = PAGE.split_once("| predictor | z |").expect("the page must show the predictors");
    for (place, name) in ["ARP", "VRP", "SVRP"].into_iter().enumerate() {
        let quantities = quantities(rates[place]);
        assert_eq!(rows.len(), quantities.len());
        let z: f64 = rows
            .iter()
            .zip(quantities)
            .filter(|(row, _)| !row[place + 1].is_empty())
            .map(|(row, quantity)| quantity * row[place + 1].parse::<f64>().expect("the cell must hold a number"))
            .sum();
        let percent = 100.0 / (1.0 + libm::exp(-z));
        let told = format!("| {name} | {z:.6} | {percent:.4} % |");
        assert!(predictors.lines().any(|line| line.starts_with(&told)), "{told}");
    }
}
