//! What each kind of record must hold.

use super::check::Check;
use super::management;
use crate::domain::evidence::{
    Assessment, BandOverride, Breach, CohortMembership, Custody, Exploitation, Finding, Grade, Intelligence, Kind,
    Marker, Offence, Other, Person, SanctionSummary, Supervision, Victim,
};
use crate::domain::offence::OffenceCode;
use crate::domain::word::{
    AssessmentKind, AssessmentLevel, Band, BreachKind, CohortStatus, CustodyKind, ExploitationStatus, Handling,
    MarkerKind, Outcome, OverrideScope, Rag, Sex, ThreatIndicator,
};
use crate::pb;
use crate::pb::record::Kind as Stated;
use crate::reference::Tables;

/// Oldest person that a record may tell of, in years.
const OLDEST: i32 = 120;

/// Reads the kind of a record; `None` only with a violation noted.
pub(super) fn read(check: &mut Check, record: &pb::Record, tables: &Tables) -> Option<Kind> {
    let event = &record.event_date;
    let other = match &record.kind {
        Some(Stated::Person(stated)) => return Some(Kind::Person(person(check, event, stated))),
        Some(Stated::Offence(stated)) => return offence(check, event, stated, tables).map(Kind::Offence),
        Some(Stated::SanctionSummary(stated)) => Some(Other::SanctionSummary(summary(check, event, stated))),
        Some(Stated::Custody(stated)) => custody(check, event, stated).map(Other::Custody),
        Some(Stated::Marker(stated)) => marker(check, event, stated).map(Other::Marker),
        Some(Stated::Intelligence(stated)) => intelligence(check, event, stated).map(Other::Intelligence),
        Some(Stated::Assessment(stated)) => assessment(check, event, stated).map(Other::Assessment),
        Some(Stated::Order(stated)) => Some(order(check, event, stated)),
        Some(Stated::Breach(stated)) => breach(check, event, stated).map(Other::Breach),
        Some(Stated::Exploitation(stated)) => exploitation(check, event, stated).map(Other::Exploitation),
        Some(Stated::Outstanding(stated)) => management::outstanding(check, event, stated).map(Other::Outstanding),
        Some(Stated::CohortMembership(stated)) => membership(check, event, stated).map(Other::CohortMembership),
        Some(Stated::BandOverride(stated)) => band_override(check, event, stated).map(Other::BandOverride),
        Some(Stated::Activity(stated)) => {
            return management::activity(check, event, stated).map(Supervision::Activity).map(Kind::Supervision);
        }
        Some(Stated::Review(stated)) => {
            return management::review(check, event, stated).map(Supervision::Review).map(Kind::Supervision);
        }
        Some(Stated::CohortDecision(stated)) => {
            return management::decision(check, event, stated).map(Supervision::Decision).map(Kind::Supervision);
        }
        None => {
            check.wrong("kind", "REQUIRED", "the record holds no kind, such as person or offence");
            None
        }
    };
    other.map(Kind::Other)
}

fn person(check: &mut Check, event: &str, stated: &pb::Person) -> Person {
    let made = check.fact("event_date", event).unwrap_or(check.recorded);
    let birth = check.fact("person.birth_date", &stated.birth_date);
    if let Some(birth) = birth {
        check.must(
            birth.completed_years(check.recorded) <= OLDEST,
            "person.birth_date",
            "OUT_OF_RANGE",
            "person.birth_date makes the person older than 120 years",
        );
    }
    let sex = if stated.sex == 0 { None } else { check.word("person.sex", stated.sex, Sex::from_proto) };
    let apparent = |check: &mut Check, field: &str, age: u32, default: u8| {
        if age == 0 {
            return default;
        }
        check.number(field, age, 10, 110);
        u8::try_from(age).unwrap_or(default)
    };
    let from = apparent(check, "person.apparent_age_from", stated.apparent_age_from, 18);
    let to = apparent(check, "person.apparent_age_to", stated.apparent_age_to, 60.max(from));
    check.must(
        from <= to,
        "person.apparent_age_to",
        "OUT_OF_RANGE",
        "person.apparent_age_to is below apparent_age_from",
    );
    let areas = check.references("person.areas", &stated.areas, 8, 32);
    check.text("person.name", &stated.name, 0, 200);
    check.text("person.pnc_id", &stated.pnc_id, 0, 16);
    Person { birth, sex, apparent_age: (from, to), made, areas }
}

fn offence(check: &mut Check, event: &str, stated: &pb::Offence, tables: &Tables) -> Option<Offence> {
    let code = code(check, stated, tables);
    let committed = check.fact("event_date", event);
    let reported = check.fact("offence.report_date", &stated.report_date);
    if event.is_empty() && stated.report_date.is_empty() {
        check.wrong("offence.report_date", "REQUIRED", "offence.report_date is required where event_date is unknown");
    }
    check.order("offence.report_date", committed, reported, "event_date");
    let outcome = check.word_or("offence.outcome", stated.outcome, Outcome::Suspected, Outcome::from_proto);
    let outcome_date = check.fact("offence.outcome_date", &stated.outcome_date);
    check.order("offence.outcome_date", committed, outcome_date, "event_date");
    if outcome.is_sanction() && stated.outcome_date.is_empty() {
        check.wrong(
            "offence.outcome_date",
            "REQUIRED",
            "offence.outcome_date is required for a conviction, caution, reprimand or warning: it is the sanction occasion",
        );
    }
    let incident = check.optional_reference("offence.incident_ref", &stated.incident_ref, 64);
    let victim = stated.victim.as_ref().map(|victim| Victim {
        reference: check.optional_reference("offence.victim.victim_ref", &victim.victim_ref, 64),
        natural_person: victim.natural_person,
        vulnerable: victim.vulnerable,
        repeat: victim.repeat,
    });
    Some(Offence {
        code: code?,
        committed,
        reported: reported.or(committed).unwrap_or(check.recorded),
        outcome,
        outcome_date,
        incident,
        victim,
        domestic_abuse: stated.domestic_abuse,
        hate: stated.hate_crime,
        proactive: stated.proactive,
    })
}

fn code(check: &mut Check, stated: &pb::Offence, tables: &Tables) -> Option<OffenceCode> {
    if stated.cjs_code.is_empty() && stated.ho_code.is_empty() {
        check.wrong("offence.cjs_code", "REQUIRED", "offence.cjs_code or offence.ho_code is required");
        return None;
    }
    let cjs = tables.cjs(&stated.cjs_code);
    let ho = tables.ho(&stated.ho_code);
    let mut known = true;
    if !stated.cjs_code.is_empty() && cjs.is_none() {
        known = false;
        check.wrong(
            "offence.cjs_code",
            "UNKNOWN_OFFENCE_CODE",
            format!("offence.cjs_code {:?} is in none of the reference tables", shown(&stated.cjs_code)),
        );
    }
    if !stated.ho_code.is_empty() && ho.is_none() {
        known = false;
        check.wrong(
            "offence.ho_code",
            "UNKNOWN_OFFENCE_CODE",
            format!(
                "offence.ho_code {:?} is in none of the reference tables; the form is 028/03",
                shown(&stated.ho_code)
            ),
        );
    }
    known.then_some(OffenceCode { cjs, ho })
}

/// At most 16 characters of a value, for a message.
fn shown(text: &str) -> String {
    text.chars().take(16).collect()
}

fn summary(check: &mut Check, event: &str, stated: &pb::SanctionSummary) -> SanctionSummary {
    let as_at = check.required_fact("event_date", event);
    check.number("sanction_summary.sanction_occasions", stated.sanction_occasions, 0, 1000);
    check.must(
        stated.violent_sanction_occasions <= stated.sanction_occasions,
        "sanction_summary.violent_sanction_occasions",
        "OUT_OF_RANGE",
        "sanction_summary.violent_sanction_occasions exceeds sanction_occasions",
    );
    let first = check.fact("sanction_summary.first_sanction_date", &stated.first_sanction_date);
    if let Some(first) = first {
        check.must(
            first <= as_at,
            "sanction_summary.first_sanction_date",
            "DATES_OUT_OF_ORDER",
            "sanction_summary.first_sanction_date is after event_date, the day the totals are as at",
        );
    }
    let stated_first = first.is_some() || stated.age_at_first_sanction != 0;
    check.must(
        stated.sanction_occasions > 0 || !stated_first,
        "sanction_summary.first_sanction_date",
        "CONTRADICTION",
        "sanction_summary tells of a first sanction but of no sanction occasion",
    );
    let age_at_first = (stated.age_at_first_sanction != 0).then(|| {
        check.number("sanction_summary.age_at_first_sanction", stated.age_at_first_sanction, 8, 110);
        u8::try_from(stated.age_at_first_sanction).unwrap_or(u8::MAX)
    });
    check.must(
        first.is_none() || age_at_first.is_none(),
        "sanction_summary.age_at_first_sanction",
        "CONTRADICTION",
        "give first_sanction_date or age_at_first_sanction, not both",
    );
    SanctionSummary {
        as_at,
        occasions: stated.sanction_occasions,
        violent_occasions: stated.violent_sanction_occasions,
        first,
        age_at_first,
    }
}

fn custody(check: &mut Check, event: &str, stated: &pb::Custody) -> Option<Custody> {
    let start = check.required_fact("event_date", event);
    let kind = check.word("custody.custody_kind", stated.custody_kind, CustodyKind::from_proto);
    let planned_release = check.planned("custody.planned_release", &stated.planned_release);
    let ended = check.fact("custody.ended_on", &stated.ended_on);
    check.order("custody.planned_release", Some(start), planned_release, "event_date");
    check.order("custody.ended_on", Some(start), ended, "event_date");
    let offence_ids = check.references("custody.offence_ids", &stated.offence_ids, 64, 64);
    Some(Custody { kind: kind?, start, planned_release, ended, offence_ids })
}

fn marker(check: &mut Check, event: &str, stated: &pb::Marker) -> Option<Marker> {
    let set = check.required_fact("event_date", event);
    let kind = check.word("marker.marker_kind", stated.marker_kind, MarkerKind::from_proto);
    let expires = check.planned("marker.expires_on", &stated.expires_on);
    check.order("marker.expires_on", Some(set), expires, "event_date");
    Some(Marker { kind: kind?, set, expires })
}

fn intelligence(check: &mut Check, event: &str, stated: &pb::Intelligence) -> Option<Intelligence> {
    let date = check.required_fact("event_date", event);
    let indicator = check.word("intelligence.indicator", stated.indicator, ThreatIndicator::from_proto);
    let handling = check.word_or("intelligence.handling", stated.handling, Handling::C, Handling::from_proto);
    let source = check.optional_reference("intelligence.source_ref", &stated.source_ref, 64);
    let grade = grade(check, stated);
    Some(Intelligence { indicator: indicator?, date, grade: grade?, handling, source })
}

fn grade(check: &mut Check, stated: &pb::Intelligence) -> Option<Grade> {
    let current = stated.source_reliability != 0 || !stated.assessment.is_empty();
    if !stated.old_grade.is_empty() {
        check.must(
            !current,
            "intelligence.old_grade",
            "CONTRADICTION",
            "give a 3x5x2 grade or an old 5x5x5 grade, not both",
        );
        let grade = old_grade(stated.old_grade.as_bytes());
        if grade.is_none() {
            check.wrong(
                "intelligence.old_grade",
                "INVALID_GRADE",
                "intelligence.old_grade is a letter A to E and two digits 1 to 5, such as B24",
            );
        }
        return grade;
    }
    check.number("intelligence.source_reliability", stated.source_reliability, 1, 3);
    let assessment = if let [letter @ b'A'..=b'E'] = stated.assessment.as_bytes() {
        Some(letter - b'A')
    } else {
        check.wrong(
            "intelligence.assessment",
            "INVALID_GRADE",
            "intelligence.assessment is one letter, A (known directly) to E (suspected to be false)",
        );
        None
    };
    let source = u8::try_from(stated.source_reliability).ok()?;
    Some(Grade::Current { source, assessment: assessment? })
}

fn old_grade(signs: &[u8]) -> Option<Grade> {
    match signs {
        [source @ b'A'..=b'E', evaluation @ b'1'..=b'5', b'1'..=b'5'] => {
            Some(Grade::Old { source: source - b'A', evaluation: evaluation - b'0' })
        }
        _ => None,
    }
}

fn assessment(check: &mut Check, event: &str, stated: &pb::Assessment) -> Option<Assessment> {
    let made = check.required_fact("event_date", event);
    let expires = check.planned("assessment.expires_on", &stated.expires_on);
    check.order("assessment.expires_on", Some(made), expires, "event_date");
    check.text("assessment.version", &stated.version, 0, 32);
    let kind = check.word("assessment.assessment_kind", stated.assessment_kind, AssessmentKind::from_proto)?;
    let finding = match kind {
        AssessmentKind::Mappa => {
            check.number("assessment.mappa_category", stated.mappa_category, 1, 4);
            check.number("assessment.mappa_level", stated.mappa_level, 1, 3);
            let number = |value: u32| u8::try_from(value).unwrap_or(0);
            Some(Finding::Mappa { category: number(stated.mappa_category), level: number(stated.mappa_level) })
        }
        AssessmentKind::Arp | AssessmentKind::Vrp | AssessmentKind::Svrp => {
            check.must(
                stated.probability > 0.0 && stated.probability < 1.0,
                "assessment.probability",
                "OUT_OF_RANGE",
                "assessment.probability lies above 0 and below 1 (0.043, not 4.3)",
            );
            Some(Finding::Probability(stated.probability))
        }
        AssessmentKind::Marac => Some(Finding::Held),
        AssessmentKind::OasysRosh
        | AssessmentKind::OspDc
        | AssessmentKind::OspIic
        | AssessmentKind::Arms
        | AssessmentKind::Dash
        | AssessmentKind::Sara => {
            check.word("assessment.level", stated.level, AssessmentLevel::from_proto).map(Finding::Level)
        }
    };
    if !matches!(kind, AssessmentKind::Mappa) {
        let none = stated.mappa_category == 0 && stated.mappa_level == 0;
        check.must(none, "assessment.mappa_level", "CONTRADICTION", "only a MAPPA assessment has a category and level");
    }
    Some(Assessment { kind, made, finding: finding?, expires })
}

fn order(check: &mut Check, event: &str, stated: &pb::Order) -> Other {
    let made = check.required_fact("event_date", event);
    check.text("order.title", &stated.title, 0, 64);
    let expires = check.planned("order.expires_on", &stated.expires_on);
    check.order("order.expires_on", Some(made), expires, "event_date");
    Other::Order { made }
}

fn breach(check: &mut Check, event: &str, stated: &pb::Breach) -> Option<Breach> {
    let date = check.required_fact("event_date", event);
    let kind = check.word("breach.breach_kind", stated.breach_kind, BreachKind::from_proto);
    check.optional_reference("breach.order_id", &stated.order_id, 64);
    let outstanding_id = check.optional_reference("breach.outstanding_id", &stated.outstanding_id, 64);
    Some(Breach { kind: kind?, date, outstanding_id })
}

fn exploitation(check: &mut Check, event: &str, stated: &pb::Exploitation) -> Option<Exploitation> {
    let date = check.required_fact("event_date", event);
    let status = check.word("exploitation.status", stated.status, ExploitationStatus::from_proto);
    let offence_ids = check.references("exploitation.offence_ids", &stated.offence_ids, 256, 64);
    let reviewed = check.fact("exploitation.reviewed_on", &stated.reviewed_on);
    check.order("exploitation.reviewed_on", Some(date), reviewed, "event_date");
    Some(Exploitation { status: status?, date, offence_ids, reviewed })
}

fn membership(check: &mut Check, event: &str, stated: &pb::CohortMembership) -> Option<CohortMembership> {
    let selected = check.required_fact("event_date", event);
    let status = check.word("cohort_membership.status", stated.status, CohortStatus::from_proto);
    let rag = if stated.rag == 0 { None } else { check.word("cohort_membership.rag", stated.rag, Rag::from_proto) };
    let offender_manager = check.optional_reference("cohort_membership.offender_manager", &stated.offender_manager, 64);
    let area = check.optional_reference("cohort_membership.area", &stated.area, 32);
    let ended = check.fact("cohort_membership.ended_on", &stated.ended_on);
    check.order("cohort_membership.ended_on", Some(selected), ended, "event_date");
    Some(CohortMembership { status: status?, rag, selected, ended, offender_manager, area })
}

fn band_override(check: &mut Check, event: &str, stated: &pb::BandOverride) -> Option<BandOverride> {
    let decided = check.required_fact("event_date", event);
    let band = check.word("band_override.band", stated.band, Band::from_proto);
    let scope = check.word("band_override.scope", stated.scope, OverrideScope::from_proto);
    check.text("band_override.rationale", &stated.rationale, 10, 2000);
    let officer = check.reference("band_override.officer", &stated.officer, 64);
    let second_officer = check.optional_reference("band_override.second_officer", &stated.second_officer, 64);
    check.must(
        second_officer.as_ref() != Some(&officer),
        "band_override.second_officer",
        "CONTRADICTION",
        "the second officer must be another person",
    );
    let expires = check.planned("band_override.expires_on", &stated.expires_on);
    if stated.expires_on.is_empty() {
        check.wrong("band_override.expires_on", "REQUIRED", "band_override.expires_on is required");
    }
    check.order("band_override.expires_on", Some(decided), expires, "event_date");
    Some(BandOverride {
        band: band?,
        scope: scope?,
        decided,
        expires: expires.unwrap_or(decided),
        officer,
        second_officer,
        rationale: stated.rationale.as_str().into(),
    })
}
