//! What scoring reads, found by trying: a person is weighed, one record is added
//! or one field changed, and the person is weighed again. What moved is what is
//! read. Words and fields are taken from the contract, so that a new one either
//! has its trial or fails here. Knows nothing of what ought to be read.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use steelyard::domain::dossier::Dossier;
use steelyard::domain::evidence::Evidence;
use steelyard::domain::word::Family;
use steelyard::domain::{Date, Revision};
use steelyard::intake::contract::{self, Kind, Shape};
use steelyard::policy::Policy;
use steelyard::reference::tables;
use steelyard::scoring::Rules;
use steelyard::scoring::composite::{floor, weigh};
use steelyard::service::record;

use super::facts::rules;

/// What a record moves, in the order told.
const EFFECTS: [&str; 7] = ["threat", "risk", "harm", "floor", "custody", "band shown", "interval"];
/// What a record that moves nothing is said to move.
pub const NOTHING: &str = "nothing";

const DAY: &str = "2026-03-31";

/// A word or a kind, and what it moves.
pub type Moves = (String, String);

/// People on whom everything is tried. One alone would hide what moves only others: recent contact covers a low risk,
/// some signs need several dates, and some floors a file or a grave sentence.
fn bases() -> [Vec<Value>; 3] {
    let born = |day: &str| json!({"id": "person", "event_date": "2020-01-01", "person": {"birth_date": day, "sex": "SEX_MALE"}});
    let convicted = |id: &str, code: &str, day: &str, on: &str| {
        json!({"id": id, "event_date": day, "category": "PERSON_CATEGORY_CONVICTED", "offence":
            {"ho_code": code, "outcome": "OUTCOME_CONVICTED", "outcome_date": on}})
    };
    let charged = |id: &str, day: &str| {
        json!({"id": id, "event_date": day, "offence": {"ho_code": "008/06", "outcome": "OUTCOME_CHARGED",
            "domestic_abuse": true, "victim": {"natural_person": true, "vulnerable": true}}})
    };
    let once = vec![
        born("1990-05-01"),
        convicted("old", "008/06", "2024-12-01", "2025-01-15"),
        json!({"id": "new", "event_date": "2026-02-01", "offence":
            {"ho_code": "034/01", "outcome": "OUTCOME_CHARGED", "victim": {"natural_person": true}}}),
    ];
    let settled = vec![
        born("1988-05-01"),
        convicted("old", "008/06", "2016-03-01", "2016-05-01"),
        convicted("second", "028/03", "2019-03-01", "2019-05-01"),
        convicted("new", "046/00", "2023-03-01", "2023-05-01"),
    ];
    let busy = vec![
        born("2003-05-01"),
        convicted("old", "019/08", "2021-12-01", "2022-06-15"),
        charged("new", "2026-02-10"),
        charged("newer", "2026-03-01"),
        json!({"id": "file", "event_date": "2026-03-05", "outstanding":
            {"reason": "OUTSTANDING_REASON_NAMED_SUSPECT_NOT_ARRESTED", "offence_ids": ["trial"],
            "circulation": "CIRCULATION_PNC_WANTED", "periods": [{"opened_on": "2026-03-05"}]}}),
    ];
    [once, settled, busy]
}

fn evidence(mut value: Value) -> Result<Evidence, String> {
    let held = value.as_object_mut().expect("a trial must be an object");
    for (key, stated) in
        [("id", "trial"), ("subject_ref", "T-1"), ("source_system", "trial"), ("recorded_time", "2026-03-20T12:00:00Z")]
    {
        held.entry(key).or_insert_with(|| json!(stated));
    }
    let read = serde_json::from_value(value).map_err(|why| why.to_string())?;
    let now = "2026-03-31T12:00:00Z".parse().expect("must be an instant");
    let mut taken = record::take_in(&read, tables(), now).map_err(|why| format!("{why:?}"))?.evidence;
    taken.revision = Revision(1);
    Ok(taken)
}

/// What tells two weighings of one person apart, in the order of [`EFFECTS`].
fn seen(rules: &Rules, records: &[Value]) -> [String; 7] {
    let records = records.iter().cloned().map(|record| evidence(record).expect("a base must be taken in"));
    let dossier = Dossier::from_evidence("T-1", Revision(1), records);
    let day: Date = DAY.parse().expect("must be a day");
    let it = weigh(&dossier, rules, day);
    let families = [&it.cohort, &it.outstanding];
    [
        it.threat.point.to_string(),
        it.risk.point.to_string(),
        it.harm.point.to_string(),
        format!("{:?}", [Family::Cohort, Family::Outstanding].map(|family| floor(&dossier, rules, day, family))),
        format!("{:?}", it.custody),
        format!(
            "{:?}",
            families.map(|family| (family.effective, family.overridden)).map(|(band, over)| over.then_some(band))
        ),
        format!("{:?}", [it.threat, it.risk, it.harm].map(|part| [part.low, part.high])),
    ]
}

fn moved(rules: &Rules, before: &[Value], after: &[Value]) -> Vec<&'static str> {
    let (before, after) = (seen(rules, before), seen(rules, after));
    (0..EFFECTS.len()).filter(|place| before[*place] != after[*place]).map(|place| EFFECTS[place]).collect()
}

/// What any of several versions of one trial moves. Those that the contract's rules refuse are passed over.
fn any_of(rules: &Rules, name: &str, trials: Vec<Value>) -> Moves {
    let (mut found, mut tried) = (Vec::new(), false);
    let mut refused = String::new();
    for trial in trials {
        if let Err(why) = evidence(trial.clone()) {
            refused = why;
            continue;
        }
        tried = true;
        for before in bases() {
            let mut after = before.clone();
            after.push(trial.clone());
            found.extend(moved(rules, &before, &after));
        }
    }
    assert!(tried, "{name} has no trial that is taken in: {refused}");
    (name.to_owned(), told(&found))
}

fn told(found: &[&str]) -> String {
    let found: Vec<&str> = EFFECTS.into_iter().filter(|effect| found.contains(effect)).collect();
    // An interval that moves with its score says nothing of its own.
    let own = found.iter().any(|effect| matches!(*effect, "threat" | "risk" | "harm"));
    let found: Vec<&str> = found.into_iter().filter(|effect| *effect != "interval" || !own).collect();
    if found.is_empty() { NOTHING.to_owned() } else { found.join(", ") }
}

/// What a record of each kind of the contract moves.
pub fn kinds(rules: &Rules) -> Vec<Moves> {
    contract::record().fields.iter().filter(|field| field.choice).map(|field| kind(rules, &field.name)).collect()
}

fn kind(rules: &Rules, name: &str) -> Moves {
    if VOCABULARIES.iter().any(|(kind, _)| *kind == name) {
        return (name.to_owned(), union(&words(rules, name)));
    }
    let bodies = match name {
        "person" => return (name.to_owned(), union(&person_fields(rules))),
        "sanction_summary" => vec![json!({"sanction_occasions": 9, "violent_sanction_occasions": 3,
            "first_sanction_date": "2010-01-01"})],
        "custody" => ["2026-09-01", "2026-04-10"]
            .into_iter()
            .map(|release| json!({"custody_kind": "CUSTODY_KIND_SENTENCE", "planned_release": release, "offence_ids": ["old"]}))
            .collect(),
        "order" => vec![json!({"title": "restraining order"})],
        "cohort_membership" => vec![json!({"status": "COHORT_STATUS_FIXED", "rag": "RAG_RED", "area": "north"})],
        "band_override" => vec![json!({"band": "BAND_VERY_HIGH", "scope": "OVERRIDE_SCOPE_BOTH", "officer": "O-1",
            "rationale": "told to the panel in person", "expires_on": "2026-04-10"})],
        "activity" => vec![json!({"activity_kind": "ACTIVITY_KIND_ADDRESS_VISITED", "officer": "O-1",
            "done_time": "2026-03-12T10:00:00Z", "outstanding_id": "file", "target_ref": "A-1"})],
        "review" => vec![json!({"outstanding_id": "file", "officer": "O-2", "rank": "SUPERVISOR_RANK_SERGEANT",
            "reviewed_time": "2026-03-12T10:00:00Z", "findings": "nothing was done for a week"})],
        "cohort_decision" => vec![json!({"decision": "DECISION_KIND_DECLINE", "officer": "O-3",
            "decided_time": "2026-03-12T10:00:00Z", "rationale": "managed by another force already"})],
        other => panic!("{other} is a kind of record without a trial"),
    };
    any_of(rules, name, bodies.into_iter().map(|body| json!({"event_date": "2026-03-12", name: body})).collect())
}

fn union(moves: &[Moves]) -> String {
    let found: Vec<&str> = moves.iter().flat_map(|(_, moved)| moved.split(", ")).collect();
    told(&found)
}

/// Kinds of which each word of one vocabulary is tried.
pub const VOCABULARIES: [(&str, &str); 7] = [
    ("marker", "marker_kind"),
    ("intelligence", "indicator"),
    ("assessment", "assessment_kind"),
    ("breach", "breach_kind"),
    ("exploitation", "status"),
    ("outstanding", "reason"),
    ("offence", "outcome"),
];

fn shape(kind: &str) -> &'static Shape {
    match &contract::record().field(kind).expect("the contract must have the kind").kind {
        Kind::Message(shape) => shape,
        Kind::Text | Kind::Whole { .. } | Kind::Number | Kind::Truth | Kind::Word(_) | Kind::Instant => {
            panic!("{kind} must be a message")
        }
    }
}

fn vocabulary(field: &Kind) -> Vec<String> {
    let Kind::Word(words) = field else { panic!("must be a field of words") };
    words.iter().filter(|word| !word.ends_with("_UNSPECIFIED")).cloned().collect()
}

/// What a record with each word of a kind's vocabulary moves.
pub fn words(rules: &Rules, kind: &str) -> Vec<Moves> {
    let (_, field) = VOCABULARIES.into_iter().find(|(of, _)| *of == kind).expect("must have a vocabulary");
    let words = vocabulary(&shape(kind).field(field).expect("the contract must have the field").kind);
    words.iter().map(|word| any_of(rules, word, bodies(kind, field, word))).collect()
}

fn bodies(kind: &str, field: &str, word: &str) -> Vec<Value> {
    let further = match kind {
        "intelligence" => vec![json!({"source_reliability": 1, "assessment": "A", "handling": "HANDLING_P"})],
        "assessment" => vec![
            json!({"level": "ASSESSMENT_LEVEL_VERY_HIGH"}),
            json!({"level": "ASSESSMENT_LEVEL_HIGH"}),
            json!({"mappa_category": 2, "mappa_level": 3}),
            json!({"probability": 0.97}),
            json!({}),
        ],
        "exploitation" => vec![json!({"offence_ids": ["new"]})],
        "outstanding" => vec![json!({"offence_ids": ["new"], "circulation": "CIRCULATION_PNC_WANTED",
            "periods": [{"opened_on": "2026-03-10"}]})],
        "offence" => {
            let rape = |also: &str| json!({"ho_code": "019/08", "domestic_abuse": true, "outcome_date": also});
            vec![rape("2026-03-15"), rape("")]
        }
        _ => vec![json!({})],
    };
    let day = if kind == "outstanding" { "2026-03-10" } else { "2026-03-12" };
    let whole = |mut body: Value| {
        body[field] = json!(word);
        json!({"event_date": day, kind: body})
    };
    further.into_iter().map(whole).collect()
}

/// What an offence, proved, moves by who the person is in it.
pub fn categories(rules: &Rules) -> Vec<Moves> {
    let words = vocabulary(&contract::record().field("category").expect("must be there").kind);
    let told_of = |word: &String| {
        let offence = json!({"ho_code": "005/01", "outcome": "OUTCOME_CONVICTED", "outcome_date": "2026-03-15"});
        any_of(rules, word, vec![json!({"event_date": "2026-03-12", "category": word, "offence": offence})])
    };
    words.iter().map(told_of).collect()
}

/// What a report on a firearm moves by its assessment, A to E.
pub fn grades(rules: &Rules) -> Vec<Moves> {
    let told_of = |letter: &str| {
        let report =
            json!({"indicator": "THREAT_INDICATOR_ACCESS_TO_FIREARM", "source_reliability": 1, "assessment": letter});
        any_of(rules, letter, vec![json!({"event_date": "2026-03-12", "intelligence": report})])
    };
    ["A", "B", "C", "D", "E"].into_iter().map(told_of).collect()
}

/// What each field of a person's record moves when nothing but it is changed.
pub fn person_fields(rules: &Rules) -> Vec<Moves> {
    shape("person").fields.iter().map(|field| (field.name.clone(), person_field(rules, &field.name))).collect()
}

fn person_field(rules: &Rules, name: &str) -> String {
    let (unknown, value) = match name {
        "birth_date" => (false, json!("1970-05-01")),
        "sex" => (false, json!("SEX_FEMALE")),
        "apparent_age_from" => (true, json!(40)),
        "apparent_age_to" => (true, json!(30)),
        "areas" => (false, json!(["north"])),
        "name" => (false, json!("Somebody Invented")),
        "pnc_id" => (false, json!("00/1A")),
        other => panic!("{other} is a field of a person without a trial"),
    };
    let mut found = Vec::new();
    for mut before in bases() {
        if unknown {
            before[0]["person"].as_object_mut().expect("must be an object").remove("birth_date");
        }
        let mut after = before.clone();
        after[0]["person"][name] = value.clone();
        found.extend(moved(rules, &before, &after));
    }
    told(&found)
}

/// Words by what they move, so that a table has one row for each.
pub fn by_effect(moves: &[Moves]) -> BTreeMap<&str, Vec<&str>> {
    let mut rows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (word, moved) in moves {
        rows.entry(moved).or_default().push(word);
    }
    rows
}

fn of<'m>(moves: &'m [Moves], word: &str) -> &'m str {
    &moves.iter().find(|(held, _)| held == word).expect("must have been tried").1
}

#[test]
fn health_signals_move_nothing_and_a_trial_would_show_it_if_they_did() {
    let markers = words(&rules(Policy::default_text()), "marker");
    for health in ["AILMENT", "MENTAL_HEALTH", "SELF_HARM", "CONTAGIOUS", "THREAT_TO_LIFE_THREATENED"] {
        assert_eq!(of(&markers, &format!("MARKER_KIND_{health}")), NOTHING);
    }
    assert_eq!(of(&markers, "MARKER_KIND_FIREARMS"), "threat");
}

#[test]
fn victims_and_witnesses_are_kept_apart_from_suspects_and_the_convicted() {
    let categories = categories(&rules(Policy::default_text()));
    assert_eq!(of(&categories, "PERSON_CATEGORY_VICTIM"), NOTHING);
    assert_eq!(of(&categories, "PERSON_CATEGORY_WITNESS"), NOTHING);
    assert!(of(&categories, "PERSON_CATEGORY_SUSPECT").contains("harm"));
    assert!(of(&categories, "PERSON_CATEGORY_CONVICTED").contains("harm"));
}

#[test]
fn what_supervisors_and_panels_do_moves_no_score() {
    let kinds = kinds(&rules(Policy::default_text()));
    for kind in ["activity", "review", "cohort_decision", "cohort_membership"] {
        assert_eq!(of(&kinds, kind), NOTHING);
    }
    assert_eq!(of(&kinds, "band_override"), "band shown");
    assert!(of(&kinds, "offence").contains("harm"));
}

#[test]
fn of_a_person_only_age_and_sex_move_a_score_and_only_risk() {
    let fields = person_fields(&rules(Policy::default_text()));
    for (field, moved) in &fields {
        match field.as_str() {
            "birth_date" | "sex" => assert_eq!(moved, "risk", "{field}"),
            "apparent_age_from" | "apparent_age_to" => assert!(!moved.contains("threat") && !moved.contains("harm")),
            _ => assert_eq!(moved, NOTHING, "{field}"),
        }
    }
    assert_eq!(of(&grades(&rules(Policy::default_text())), "E"), NOTHING);
}
