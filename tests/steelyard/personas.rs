//! People a sergeant knows. Each says who they are, what is held, the band and
//! the neighbours that an experienced sergeant would accept, and why.
//!
//! All of them are invented. They are written to one real server, weighed on
//! one day, and asked for through the API.

use steelyard::pb::{
    AssessmentKind as Kind, AssessmentLevel as Level, Band, CohortStatus, CustodyKind, ExploitationStatus, List,
    MarkerKind, Outcome, OutstandingReason as Reason, Sex, ThreatIndicator as Threat,
};

use crate::people::Somebody;

/// Somebody, and where they should stand.
pub struct Persona {
    /// Who they are, in a sentence.
    pub who: &'static str,
    /// What is held.
    pub somebody: Somebody,
    /// The list asked.
    pub list: List,
    /// Bands that a sergeant would accept.
    pub bands: &'static [Band],
    /// Whether the standing must say that it is provisional.
    pub provisional: Option<bool>,
    /// Those of the same list whom this person must stand above.
    pub above: &'static [&'static str],
    /// Why.
    pub why: &'static str,
    /// Where the method gives an answer that the sentence cannot defend: the band it gives, and what is wrong with it.
    pub indefensible: Option<(Band, &'static str)>,
}

const LOW: &[Band] = &[Band::Low];
const MEDIUM: &[Band] = &[Band::Medium];
const VERY_HIGH: &[Band] = &[Band::VeryHigh];
const HIGH_OR_ABOVE: &[Band] = &[Band::High, Band::VeryHigh];
const MEDIUM_OR_HIGH: &[Band] = &[Band::Medium, Band::High];
const LOW_OR_MEDIUM: &[Band] = &[Band::Low, Band::Medium];

fn persona(
    who: &'static str,
    somebody: Somebody,
    list: List,
    bands: &'static [Band],
    above: &'static [&'static str],
    why: &'static str,
) -> Persona {
    Persona { who, somebody, list, bands, provisional: None, above, why, indefensible: None }
}

fn indefensible(band: Band, what: &'static str, mut persona: Persona) -> Persona {
    persona.indefensible = Some((band, what));
    persona
}

/// Everybody.
pub fn everybody() -> Vec<Persona> {
    let mut everybody = cohort();
    everybody.extend(outstanding());
    everybody.extend(doubtful());
    everybody
}

/// Who should be managed, and who should not.
#[expect(clippy::too_many_lines, reason = "one persona after another")]
fn cohort() -> Vec<Persona> {
    vec![
        persona(
            "The prolific burglar: 31, fourteen dwelling burglaries in eight months, still at it",
            Somebody::man("BURGLAR", "1994-05-02")
                .convictions("TH68036", 14, 17, "2026-02-20")
                .managed(CohortStatus::Fixed, "2025-12-01"),
            List::Cohort,
            HIGH_OR_ABOVE,
            &["SHOPLIFTER", "RETIRED-BURGLAR"],
            "neighbourhood crime on many dates with a high predicted rate is what fixed IOM exists for",
        ),
        persona(
            "The shoplifter with 200 convictions, never violent",
            Somebody::woman("SHOPLIFTER", "1985-09-14")
                .convictions("TH68010", 200, 25, "2026-03-02")
                .managed(CohortStatus::Flex, "2025-10-01"),
            List::Cohort,
            MEDIUM,
            &["RETIRED-BURGLAR"],
            "nearly certain to steal again, yet little harm each time: managed, but never above those who hurt people",
        ),
        persona(
            "The burglar who stopped: 48, last convicted nine years ago",
            Somebody::man("RETIRED-BURGLAR", "1977-11-30")
                .convictions("TH68036", 12, 60, "2017-02-10")
                .managed(CohortStatus::Fixed, "2016-01-10"),
            List::Cohort,
            LOW,
            &[],
            "nine quiet years: a candidate for deselection",
        ),
        persona(
            "The repeat domestic abuser: three assaults on one vulnerable partner in a year, strangulation suspected last month",
            Somebody::man("ABUSER", "1988-03-21")
                .convicted("OF61102", "2025-05-04", "2025-07-01")
                .domestic("VIC-A", true)
                .charged("OF61102", "2025-11-12")
                .domestic("VIC-A", true)
                .suspected("SC15005", "2026-02-27")
                .domestic("VIC-A", true)
                .assessed(Kind::Dash, Level::High, "2026-03-01", "")
                .managed(CohortStatus::Free, "2025-12-10"),
            List::Cohort,
            HIGH_OR_ABOVE,
            &["SHOPLIFTER"],
            "one victim hurt again and again, and it is getting worse: a free-status nominal who outranks any thief",
        ),
        persona(
            "The sex offender released next week after four years for rape",
            Somebody::man("RELEASED-NEXT-WEEK", "1979-06-11")
                .convicted("SX03001", "2021-02-02", "2022-04-05")
                .custody(CustodyKind::Sentence, "2022-04-05", "2026-04-07", "", &["RELEASED-NEXT-WEEK-002"])
                .mappa(1, 2, "2026-03-01")
                .marker(MarkerKind::RegisteredSexOffender, "2022-04-05", "")
                .managed(CohortStatus::Free, "2026-03-01"),
            List::Cohort,
            HIGH_OR_ABOVE,
            &["SHOPLIFTER", "RETIRED-BURGLAR"],
            "the weeks around release are the dangerous ones, and multi-agency arrangements are active",
        ),
        persona(
            "The robber in prison for three more years",
            Somebody::man("INSIDE-FOR-LONG", "1995-01-19")
                .convicted("TH68023", "2024-06-01", "2025-01-15")
                .convicted("TH68023", "2024-06-20", "2025-01-15")
                .custody(CustodyKind::Sentence, "2025-01-15", "2029-03-01", "", &["INSIDE-FOR-LONG-002"])
                .managed(CohortStatus::Fixed, "2024-07-01"),
            List::Cohort,
            LOW,
            &[],
            "dangerous once out, but nobody's work this morning",
        ),
        persona(
            "The robber of last month, at liberty on bail",
            Somebody::man("ROBBER", "2001-10-08")
                .convicted("TH68023", "2024-01-11", "2024-05-02")
                .charged("TH68023", "2026-02-14")
                .charged("TH68023", "2026-02-18")
                .suspected("TH68023", "2026-03-05")
                .intelligence(Threat::AccessToWeapon, "2026-03-10", (1, "B"), "SRC-9"),
            List::Candidates,
            HIGH_OR_ABOVE,
            &["CAR-THIEF"],
            "four robberies, three of them in a month, with a weapon: first of the candidates",
        ),
        persona(
            "The car thief of 19 with five thefts of cars this winter",
            Somebody::man("CAR-THIEF", "2006-12-01").convictions("TH68013", 5, 20, "2026-02-25").convicted(
                "TH68013",
                "2024-03-02",
                "2024-04-02",
            ),
            List::All,
            MEDIUM_OR_HIGH,
            &["ONE-OFF-CAUTION"],
            "young, active, neighbourhood crime on several dates: worth a place if there is one",
        ),
        persona(
            "The one-off elderly caution: 71, cautioned for common assault six years ago",
            Somebody::man("ONE-OFF-CAUTION", "1954-08-16").offence(
                "CJ88001",
                "2020-01-05",
                Outcome::Cautioned,
                "2020-01-20",
            ),
            List::All,
            LOW,
            &[],
            "one slap in a lifetime",
        ),
        persona(
            "The man cautioned at 20 who is now 71",
            Somebody::man("CAUTIONED-AT-20", "1954-08-16").offence(
                "TH68010",
                "1974-09-01",
                Outcome::Cautioned,
                "1974-09-10",
            ),
            List::All,
            LOW,
            &[],
            "half a century without an offence must not score as a youth of 20",
        ),
        persona(
            "The street dealer with two possession convictions",
            Somebody::man("DEALER-SMALL", "1999-04-04")
                .convicted("MD71530", "2025-04-01", "2025-04-20")
                .with(|offence| offence.proactive = true)
                .convicted("MD71530", "2025-09-01", "2025-09-20")
                .with(|offence| offence.proactive = true),
            List::All,
            LOW_OR_MEDIUM,
            &["ONE-OFF-CAUTION"],
            "found by searches alone: measures where police looked, not harm done",
        ),
        persona(
            "The supplier of class A, charged, with a firearm reported by two good sources",
            Somebody::man("SUPPLIER", "1992-02-29")
                .convicted("MD71131", "2023-05-01", "2023-11-01")
                .charged("MD71131", "2026-02-20")
                .intelligence(Threat::AccessToFirearm, "2026-03-12", (1, "A"), "SRC-1")
                .intelligence(Threat::AccessToFirearm, "2026-03-15", (1, "B"), "SRC-2")
                .intelligence(Threat::OrganisedCrimeLink, "2026-01-12", (2, "B"), "SRC-3"),
            List::All,
            HIGH_OR_ABOVE,
            &["DEALER-SMALL", "WEAK-INTELLIGENCE"],
            "supply, organised crime and a gun well attested",
        ),
        persona(
            "Someone known only by weak intelligence: four reports from one untested source, suspected false",
            Somebody::man("WEAK-INTELLIGENCE", "1990-01-01")
                .intelligence(Threat::AccessToFirearm, "2026-03-01", (3, "E"), "SRC-7")
                .intelligence(Threat::AccessToFirearm, "2026-03-05", (3, "E"), "SRC-7")
                .intelligence(Threat::AccessToWeapon, "2026-03-06", (3, "D"), "SRC-7")
                .intelligence(Threat::OrganisedCrimeLink, "2026-03-09", (3, "D"), "SRC-7"),
            List::All,
            LOW,
            &[],
            "repetition by one poor source is not evidence",
        ),
        persona(
            "The source of a threat to life, notice served ten days ago, no convictions",
            Somebody::man("THREATENS", "1986-07-07").marker(MarkerKind::ThreatToLifeSource, "2026-03-21", ""),
            List::All,
            VERY_HIGH,
            &["WEAK-INTELLIGENCE", "SHOPLIFTER", "THREATENED"],
            "somebody may be killed this month",
        ),
        persona(
            "The person threatened by him, notice served the same day",
            Somebody::man("THREATENED", "1987-07-07").marker(MarkerKind::ThreatToLifeThreatened, "2026-03-21", ""),
            List::All,
            LOW,
            &[],
            "being threatened is no mark against anybody",
        ),
        persona(
            "The victim in twenty records, never a suspect",
            (0..20).fold(Somebody::woman("ONLY-A-VICTIM", "1995-05-05"), |somebody, place| {
                let mut somebody = somebody.suspected("OF61102", &format!("2025-{:02}-10", 1 + place % 12));
                somebody.last().category = steelyard::pb::PersonCategory::Victim.into();
                somebody
            }),
            List::All,
            LOW,
            &[],
            "harm done to a person is not harm done by them",
        ),
        persona(
            "The registered sex offender, eleven years quiet, low on every assessment",
            Somebody::man("QUIET-RSO", "1961-03-03")
                .convicted("SX03001", "2014-06-01", "2015-02-01")
                .custody(CustodyKind::Sentence, "2015-02-01", "2018-02-01", "2018-02-01", &["QUIET-RSO-002"])
                .assessed(Kind::Arms, Level::Low, "2026-01-15", "")
                .mappa(1, 1, "2025-06-01")
                .marker(MarkerKind::RegisteredSexOffender, "2015-02-01", ""),
            List::All,
            MEDIUM,
            &["ONE-OFF-CAUTION"],
            "registered, so never out of sight; low on every assessment, so not above those who are active",
        ),
        persona(
            "The registered sex offender whose ARMS assessment turned high last month",
            Somebody::man("RISING-RSO", "1971-03-03")
                .convicted("SX03001", "2014-06-01", "2015-02-01")
                .custody(CustodyKind::Sentence, "2015-02-01", "2018-02-01", "2018-02-01", &["RISING-RSO-002"])
                .assessed(Kind::Arms, Level::High, "2026-02-27", "")
                .intelligence(Threat::ContactWithVulnerableVictim, "2026-03-15", (1, "B"), "SRC-4")
                .marker(MarkerKind::RegisteredSexOffender, "2015-02-01", ""),
            List::All,
            HIGH_OR_ABOVE,
            &["QUIET-RSO", "SHOPLIFTER"],
            "the general predictors do not see sexual risk; the officer's assessment does",
        ),
        persona(
            "The MAPPA level 3 offender in the community",
            Somebody::man("MAPPA-3", "1983-12-12").convicted("OF61016", "2019-01-01", "2019-09-01").mappa(
                2,
                3,
                "2026-02-01",
            ),
            List::All,
            VERY_HIGH,
            &["QUIET-RSO"],
            "senior management of several agencies meets about him",
        ),
        indefensible(
            Band::High,
            "risk is near certain, so that 35 % of it with the floor for prolific offenders' harm reaches HIGH although nobody was hurt",
            persona(
                "The drunk: sixty convictions for drunkenness, never hurt anyone",
                Somebody::man("DRUNK", "1970-10-10").convictions("CJ67002", 60, 40, "2026-03-01"),
                List::All,
                LOW_OR_MEDIUM,
                &[],
                "a nuisance and a man in need, not a danger",
            ),
        ),
        persona(
            "The man acquitted of rape",
            Somebody::man("ACQUITTED", "1990-04-04").offence("SX03001", "2024-08-01", Outcome::Acquitted, "2025-10-10"),
            List::All,
            LOW,
            &[],
            "an acquittal counts for nothing",
        ),
    ]
}

/// Who should be found first.
#[expect(clippy::too_many_lines, reason = "one persona after another")]
fn outstanding() -> Vec<Persona> {
    vec![
        persona(
            "The man with no record wanted for murder since yesterday",
            Somebody::man("MURDER-SUSPECT", "1997-02-14").suspected("COML025", "2026-03-29").wanted("2026-03-30"),
            List::Wanted,
            VERY_HIGH,
            &["RAPE-SUSPECT-FOUR-YEARS", "WANTED-SHOPLIFTER", "WANTED-ABH"],
            "the gravest offence there is, and he is out there",
        ),
        persona(
            "The rape suspect four years on the run",
            Somebody::man("RAPE-SUSPECT-FOUR-YEARS", "1980-05-05")
                .suspected("SX03001", "2022-03-10")
                .updated("2026-03-01")
                .wanted("2022-03-20"),
            List::Wanted,
            HIGH_OR_ABOVE,
            &["WANTED-SHOPLIFTER", "WANTED-ABH"],
            "running must not pay: four years make the case no smaller",
        ),
        persona(
            "The rape suspect of last week",
            Somebody::man("RAPE-SUSPECT-LAST-WEEK", "1980-05-05")
                .suspected("SX03001", "2026-03-22")
                .wanted("2026-03-23"),
            List::Wanted,
            HIGH_OR_ABOVE,
            &["WANTED-SHOPLIFTER", "WANTED-ABH"],
            "the same offence, fresh: beside the one who ran, not far above",
        ),
        persona(
            "The shoplifter wanted for one theft",
            Somebody::man("WANTED-SHOPLIFTER", "1990-09-09").suspected("TH68010", "2026-03-01").wanted("2026-03-02"),
            List::Wanted,
            LOW,
            &[],
            "arrest when met",
        ),
        persona(
            "The man wanted for an assault on a stranger",
            Somebody::man("WANTED-ABH", "1993-09-09").suspected("OF61102", "2026-03-10").wanted("2026-03-11"),
            List::Wanted,
            LOW_OR_MEDIUM,
            &["WANTED-SHOPLIFTER"],
            "a person was hurt: before the thief, well after the rapist",
        ),
        persona(
            "The abuser who failed to surrender to bail after hurting a vulnerable partner",
            Somebody::man("ABUSER-ON-THE-RUN", "1991-01-01")
                .charged("OF61102", "2026-02-01")
                .domestic("VIC-B", true)
                .outstanding(Reason::FailedToSurrenderCourtBail, "2026-03-02", &["ABUSER-ON-THE-RUN-002"]),
            List::BailFailed,
            HIGH_OR_ABOVE,
            &["MISSED-COURT-THEFT"],
            "his victim is vulnerable and he is at large",
        ),
        persona(
            "The thief who missed a court date",
            Somebody::woman("MISSED-COURT-THEFT", "1994-06-06").charged("TH68010", "2026-01-10").outstanding(
                Reason::FailedToSurrenderCourtBail,
                "2026-03-02",
                &["MISSED-COURT-THEFT-002"],
            ),
            List::BailFailed,
            LOW_OR_MEDIUM,
            &[],
            "to be dealt with, not hunted",
        ),
        persona(
            "The fine defaulter",
            Somebody::man("FINE-DEFAULTER", "1975-06-06").convicted("RT88191", "2024-05-01", "2024-07-01").outstanding(
                Reason::FineDefaultWarrant,
                "2025-06-01",
                &[],
            ),
            List::Warrants,
            LOW,
            &[],
            "owes money",
        ),
        persona(
            "The man recalled in an emergency after a wounding sentence",
            Somebody::man("EMERGENCY-RECALL", "1989-03-18")
                .convicted("OF61016", "2019-05-01", "2019-12-01")
                .custody(CustodyKind::Sentence, "2019-12-01", "2025-06-01", "2025-06-01", &["EMERGENCY-RECALL-002"])
                .outstanding(Reason::RecallEmergency, "2026-03-28", &["EMERGENCY-RECALL-002"]),
            List::Recalls,
            VERY_HIGH,
            &["RECALL-THIEF"],
            "probation says that he cannot be managed outside",
        ),
        persona(
            "The thief on a fixed-term recall",
            Somebody::man("RECALL-THIEF", "1996-03-18").convictions("TH68010", 6, 30, "2025-09-01").outstanding(
                Reason::RecallFixedTerm,
                "2026-03-20",
                &[],
            ),
            List::Recalls,
            MEDIUM_OR_HIGH,
            &[],
            "any recall is unlawfully at large, so never below MEDIUM",
        ),
        persona(
            "The escaped prisoner",
            Somebody::man("ESCAPED", "1990-12-24").convicted("TH68023", "2023-12-24", "2024-05-24").outstanding(
                Reason::Escape,
                "2026-03-25",
                &[],
            ),
            List::Wanted,
            VERY_HIGH,
            &["WANTED-ABH", "WANTED-SHOPLIFTER"],
            "escaped from lawful custody",
        ),
        persona(
            "The burglar wanted while in prison for something else",
            Somebody::man("WANTED-BUT-INSIDE", "1990-12-24")
                .suspected("TH68036", "2025-08-01")
                .wanted("2025-08-05")
                .custody(CustodyKind::Sentence, "2025-09-01", "2027-09-01", "", &[]),
            List::Wanted,
            LOW_OR_MEDIUM,
            &[],
            "found already: produce him, do not look for him",
        ),
    ]
}

/// Those about whom something is missing, or who are counted wrongly at first sight.
fn doubtful() -> Vec<Persona> {
    let provisional = |mut persona: Persona| {
        persona.provisional = Some(true);
        persona
    };
    let three_systems = (1..=3).fold(Somebody::man("THREE-SYSTEMS", "1994-05-02"), |somebody, system| {
        ["2026-01-05", "2026-01-25", "2026-02-10"].iter().enumerate().fold(somebody, |somebody, (crime, date)| {
            let mut somebody = somebody.charged("TH68036", date).with(|offence| {
                offence.incident_ref = format!("INC-3S-{crime}");
                offence.victim = Some(steelyard::pb::Victim {
                    victim_ref: format!("VIC-3S-{crime}"),
                    natural_person: true,
                    ..Default::default()
                });
            });
            somebody.last().source_system = format!("system-{system}");
            somebody
        })
    });
    let one_system = ["2026-01-05", "2026-01-25", "2026-02-10"].iter().enumerate().fold(
        Somebody::man("ONE-SYSTEM", "1994-05-02"),
        |somebody, (crime, date)| {
            somebody.charged("TH68036", date).with(|offence| {
                offence.incident_ref = format!("INC-1S-{crime}");
                offence.victim = Some(steelyard::pb::Victim {
                    victim_ref: format!("VIC-1S-{crime}"),
                    natural_person: true,
                    ..Default::default()
                });
            })
        },
    );
    vec![
        persona(
            "The same three burglaries held in three systems",
            three_systems,
            List::All,
            LOW_OR_MEDIUM,
            &["ONE-OFF-CAUTION"],
            "three burglaries are three, however many systems hold them",
        ),
        persona(
            "The same three burglaries held once",
            one_system,
            List::All,
            LOW_OR_MEDIUM,
            &["ONE-OFF-CAUTION"],
            "the twin of the one above: the same score to the milli-point",
        ),
        provisional(persona(
            "The county-lines child: 15, class A supply, referred as exploited",
            Somebody::man("COUNTY-LINES-CHILD", "2010-09-01")
                .charged("MD71131", "2026-01-20")
                .charged("PC53001", "2026-01-20")
                .exploited(ExploitationStatus::Pending, "2026-02-10", &["COUNTY-LINES-CHILD-002"]),
            List::Children,
            LOW_OR_MEDIUM,
            &[],
            "a child and perhaps a victim: safeguarding first, and never validated for children",
        )),
        provisional(persona(
            "The unknown man: robbery twice, birth date and sex unknown",
            Somebody::new("UNKNOWN-BIRTH")
                .person("", Sex::Unspecified)
                .convicted("TH68023", "2025-12-01", "2026-01-10")
                .convicted("TH68023", "2025-12-20", "2026-01-30"),
            List::All,
            MEDIUM_OR_HIGH,
            &["ONE-OFF-CAUTION"],
            "what is not known is said, and is not taken for harmless",
        )),
        provisional(persona(
            "The murderer under a local code that no table weighs",
            Somebody::man("LOCAL-CODE", "1984-04-04").charged("COMLA03", "2026-03-01"),
            List::All,
            &[Band::Low, Band::Medium, Band::High],
            &[],
            "a grave crime hides behind an unknown code: the standing says that it may be far higher",
        )),
        persona(
            "The person about whom nothing but a name is held",
            Somebody::woman("NOTHING-HELD", "1990-10-10"),
            List::All,
            LOW,
            &[],
            "nothing held, nothing scored",
        ),
        persona(
            "The mentally ill man with a self-harm marker",
            Somebody::man("ILL", "1990-10-10")
                .marker(MarkerKind::SelfHarm, "2026-01-01", "")
                .marker(MarkerKind::MentalHealth, "2026-01-01", "")
                .marker(MarkerKind::Ailment, "2026-01-01", ""),
            List::All,
            LOW,
            &[],
            "illness is not a threat: scored as if nothing were held",
        ),
    ]
}
