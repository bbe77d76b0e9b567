//! What every parser must hold whatever it is given: no panic, a refusal that
//! says why, and of what is accepted, that it can be weighed, explained and kept.
//!
//! One function a target. The fuzzer calls them with what it invents; the
//! ordinary tests call them with the seeds and a few thousand changed ones. They
//! never touch the disk.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use prost::Message as _;
use steelyard::access::Caller;
use steelyard::access::audit::walk::{Step, Walk};
use steelyard::access::audit::{self, AuditHead, Entry, SubjectSet};
use steelyard::cli::predict;
use steelyard::domain::dossier::Dossier;
use steelyard::domain::word::Family;
use steelyard::domain::{Date, Revision, SubjectId};
use steelyard::intake::{Form, Mapping, Rows};
use steelyard::pb;
use steelyard::policy::Policy;
use steelyard::ranking::pins::PinId;
use steelyard::ranking::token::{Digest, StoreIdentity, Ticket, TokenError};
use steelyard::ranking::{Cursor, Tokens};
use steelyard::reference::tables;
use steelyard::scoring::Rules;
use steelyard::scoring::composite::{explain, weigh};
use steelyard::scoring::harm::Catalogue;
use steelyard::service::fault::Fault;
use steelyard::service::mutation::{Mutation, MutationBody, Records};
use steelyard::service::record::{from_stored, recorded_micros, stripped, take_in};
use steelyard::service::{Options, Seen, Service};
use steelyard::store::backup::{BackupError, Header, Reader, format};
use steelyard::store::journal::{SegmentReport, frame, inspect_bytes};
use steelyard::store::{Head, Identity, MemoryStore};

/// Most records of one input that are weighed: more only makes an input slow.
const MOST_RECORDS: usize = 64;
/// Inputs that one server takes before it gives way to a fresh one.
const INPUTS_A_SERVER: u32 = 512;

/// Noon in London on the day on which everybody is weighed.
pub fn now() -> Timestamp {
    "2026-03-31T11:00:00Z".parse().expect("must be an instant")
}

fn rules() -> &'static Rules {
    static RULES: LazyLock<Rules> = LazyLock::new(|| {
        let policy = Policy::reference();
        Rules { catalogue: Catalogue::new(tables(), &policy), policy }
    });
    &RULES
}

/// A page token: the bytes as they came, and again as the inside of a token.
pub fn page_token(bytes: &[u8]) {
    let identity = StoreIdentity { store: [7; 16], incarnation: 3 };
    let tokens = Tokens::new([9; 32], identity, 40);
    let digest = Digest::of(&[b"OUTSTANDING"]);
    let cursor = Cursor { last: SubjectId(5), matched: 50 };
    let own = tokens.seal(&Ticket { pin: PinId(1), cursor, digest });
    let inside = URL_SAFE_NO_PAD.encode(bytes);
    for token in [str::from_utf8(bytes).unwrap_or_default(), &inside] {
        match tokens.open(token, digest) {
            Ok(_) => assert_eq!(token, own, "only what was sealed here may open"),
            Err(TokenError::Invalid | TokenError::AnotherStore | TokenError::Restored) => {}
            Err(error @ (TokenError::OtherArguments | TokenError::Expired)) => {
                panic!("a forged token passed as {error:?}")
            }
        }
    }
}

/// What stands between a mapping and the rows that it is tried on.
const ROWS_BEGIN: &str = "\n# rows\n";

/// A mapping, and the rows of a file through it.
pub fn csv_mapping(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (mapping, rows) = text.split_once(ROWS_BEGIN).unwrap_or((&text, ""));
    // Table files would be read from the disk.
    if mapping.contains("file") {
        return;
    }
    match Mapping::parse(mapping, Path::new("")) {
        Ok(mapping) => read_rows(rows.as_bytes(), &Form::Csv(Arc::new(mapping))),
        Err(violations) => assert!(!violations.is_empty(), "a refusal must say why"),
    }
}

/// Lines of NDJSON; what they tell goes on to the service.
pub fn ndjson_row(bytes: &[u8]) {
    read_rows(bytes, &Form::Ndjson);
}

fn read_rows(bytes: &[u8], form: &Form) {
    let Ok(mut rows) = Rows::read(Path::new("rows"), Box::new(std::io::Cursor::new(bytes.to_vec())), form) else {
        return;
    };
    let mut records = Vec::new();
    let mut reached = 0;
    while let Some(row) = rows.next_row().expect("memory can be read") {
        assert!(row.after.offset > reached, "reading must go on");
        reached = row.after.offset;
        assert!(row.refused.iter().all(|refused| !refused.faults.is_empty()), "a refusal must say why");
        records.extend(row.records);
    }
    assert!(reached <= bytes.len() as u64);
    take(records);
}

/// A policy: refused with reasons, or fit to weigh somebody by.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Policy::parse(text) {
        Ok(policy) => {
            static SOMEBODY: LazyLock<Vec<pb::Record>> = LazyLock::new(somebody);
            let rules = Rules { catalogue: Catalogue::new(tables(), &policy), policy };
            for dossier in dossiers(&SOMEBODY).values() {
                weigh_and_explain(dossier, &rules);
            }
        }
        Err(violations) => assert!(!violations.is_empty(), "a refusal must say why"),
    }
}

/// The records of the seed of [`ndjson_row`]: every kind, told of two people.
pub fn somebody() -> Vec<pb::Record> {
    let seed = include_bytes!("../seeds/ndjson_row/force.ndjson");
    let rows = Rows::read(Path::new("force.ndjson"), Box::new(&seed[..]), &Form::Ndjson).expect("must open");
    rows.flat_map(|row| row.expect("must read").records).collect()
}

/// Lines of the analyst's calculator: an answer each, in JSON.
pub fn predict_line(bytes: &[u8]) {
    let answers = predict::answered(bytes);
    let lines = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let asked = lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    let answers = String::from_utf8(answers).expect("an answer must be text");
    assert_eq!(answers.lines().count(), asked, "every line must have its answer");
    assert!(answers.lines().all(|line| line.starts_with('{') && line.ends_with('}')));
}

/// A batch as it comes over the wire, or one record of it.
pub fn evidence_batch(bytes: &[u8]) {
    if let Ok(batch) = pb::WriteEvidenceRequest::decode(bytes) {
        take(batch.records);
    }
    if let Ok(record) = pb::Record::decode(bytes) {
        take(vec![record]);
    }
}

/// Judges records, weighs and explains whom they tell of, and writes them, one by one and all at once.
pub fn take(mut records: Vec<pb::Record>) {
    records.truncate(MOST_RECORDS);
    for dossier in dossiers(&records).values() {
        weigh_and_explain(dossier, rules());
    }
    if !records.is_empty() {
        write(&records, false);
        write(&records, true);
    }
}

/// Everybody whom acceptable records tell of.
fn dossiers(records: &[pb::Record]) -> BTreeMap<Box<str>, Dossier> {
    let mut dossiers: BTreeMap<Box<str>, Dossier> = BTreeMap::new();
    for (record, place) in records.iter().zip(1..) {
        match take_in(record, tables(), now()) {
            Ok(mut intake) => {
                intake.evidence.revision = Revision(place);
                let micros = recorded_micros(record, now().as_microsecond());
                let kept = from_stored(&stripped(record), micros, Revision(place), tables());
                assert_eq!(kept.as_ref(), Some(&intake.evidence), "what is kept must say what was judged");
                let dossier =
                    dossiers.entry(intake.subject_ref.clone()).or_insert_with(|| Dossier::new(&intake.subject_ref));
                *dossier = dossier.with(intake.evidence);
            }
            Err(violations) => {
                assert!(!violations.is_empty(), "a refusal must say why");
                assert!(violations.iter().all(|violation| !violation.field.is_empty() && !violation.reason.is_empty()));
            }
        }
    }
    dossiers
}

/// A backup: the bytes as a file, and again as the events inside a frame that is sealed as it should be.
pub fn backup_file(bytes: &[u8]) {
    read_backup(bytes);
    let identity = Identity { store_id: [1; 16], incarnation: [2; 16] };
    let header = Header::new(identity, Head::EMPTY, now()).encode();
    for events in [1, 3] {
        let frame = format::frame(bytes, events).expect("memory can be compressed");
        assert!(!read_backup(&[&header[..], &frame].concat()), "a file without its end must be refused");
    }
}

/// Reads to the end, or to a refusal that names the file and a place in it.
fn read_backup(bytes: &[u8]) -> bool {
    let refused = |error: BackupError| match error {
        BackupError::Damaged { offset, .. } => assert!(offset <= bytes.len() as u64, "{error}"),
        other => panic!("a file was refused as {other}"),
    };
    let mut reader = match Reader::new(Path::new("backup"), bytes) {
        Ok(reader) => reader,
        Err(error) => {
            refused(error);
            return false;
        }
    };
    let mut head = reader.header().before;
    for event in reader.by_ref() {
        match event {
            Ok(event) => head = head.followed_by(&event).expect("what is given must follow what was given before"),
            Err(error) => {
                refused(error);
                return false;
            }
        }
    }
    let trailer = reader.trailer().expect("a file that was read to its end must have told its end");
    assert_eq!(trailer.head, head);
    true
}

/// Weighs and explains one person: both agree, shares sum exactly, ends hold the point between them.
pub fn weigh_and_explain(dossier: &Dossier, rules: &Rules) {
    let as_of = Date::in_london(now());
    let weighed = weigh(dossier, rules, as_of);
    for scored in [weighed.threat, weighed.risk, weighed.harm] {
        assert!(scored.low <= scored.point && scored.point <= scored.high, "{scored:?}");
    }
    for family in [Family::Cohort, Family::Outstanding] {
        let explanation = explain(dossier, rules, as_of, family);
        assert_eq!(explanation.weighed, weighed);
        let composed = weighed.composed(family);
        assert!(composed.low <= composed.point && composed.point <= composed.high, "{composed:?}");
        let total: u32 = explanation.contributions.iter().map(|share| share.milli).sum();
        assert_eq!(total, composed.point.get(), "shares must sum to the composite");
    }
}

/// A server in memory, and how many inputs it has taken.
struct Serving {
    runtime: tokio::runtime::Runtime,
    service: Service,
    inputs: u32,
}

impl Serving {
    fn fresh() -> Self {
        let store = Arc::new(MemoryStore::new(Identity { store_id: [1; 16], incarnation: [2; 16] }));
        let options = Options {
            as_of: Some(Date::in_london(now())),
            policy: None,
            stale_after: std::time::Duration::from_hours(24),
            page_pins: 1,
            now: Arc::new(now),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime must start");
        let started = Service::start(store, options).expect("an empty store must start");
        Self { runtime, service: started.service, inputs: 0 }
    }
}

/// A segment of the audit; the bytes again as entries under right checksums; and as an entry, a set of people and an index.
pub fn audit_segment(bytes: &[u8]) {
    audited(bytes);
    let header = audit::frame::Header { log: [1; 16], before: AuditHead::EMPTY };
    let mut group = audit::frame::Group::after(AuditHead::EMPTY, Vec::new());
    let messages = bytes.chunks(97);
    let count = messages.len() as u64;
    for message in messages {
        group.push(message);
    }
    if count > 0 {
        let mut sealed = header.encode().to_vec();
        let offset = sealed.len() as u64;
        sealed.extend(group.seal(&header, offset));
        assert_eq!(audited(&sealed), count, "a sealed frame is taken whole");
    }
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(Entry::decode(&entry.clone().encode()), Ok(entry));
    }
    if let Ok(set) = SubjectSet::decode(bytes) {
        assert_eq!(set.encode(), bytes, "a set has one form");
    }
    if let Some(index) = audit::index::Index::decode(bytes) {
        let _ = index.frames(SubjectId(7));
    }
}

/// Entries of a segment that follow one another.
fn audited(bytes: &[u8]) -> u64 {
    let Ok(mut walk) = Walk::begin(bytes, None).expect("bytes in memory must read") else { return 0 };
    let mut head = walk.header.before;
    let first = head.entries;
    while let Step::Group(_, entries) = walk.step().expect("bytes in memory must read") {
        let Ok(after) = audit::frame::chained(head, &entries) else { break };
        for kept in entries {
            let _ = Entry::decode(kept.message);
        }
        head = after;
    }
    let _ = walk.goes_on();
    head.entries - first
}

/// A segment of the journal; and the body of its first frame again, under right checksums.
pub fn journal_segment(bytes: &[u8]) {
    segment(bytes);
    let Some(frame) = bytes.get(frame::HEADER..) else { return };
    let Some((frame_header, body)) = frame.split_first_chunk::<{ frame::FRAME_HEADER }>() else { return };
    let [_, _, _, _, _, _, _, _, c0, c1, c2, c3, f0, f1, f2, f3, f4, f5, f6, f7, ..] = *frame_header;
    let header = frame::Header::decode(bytes);
    let header = header.unwrap_or(frame::Header {
        identity: Identity { store_id: [1; 16], incarnation: [2; 16] },
        before: Head::EMPTY,
    });
    let mut sealed = header.encode().to_vec();
    let offset = sealed.len() as u64;
    let first = Revision(u64::from_be_bytes([f0, f1, f2, f3, f4, f5, f6, f7]));
    let body = &body[..body.len().saturating_sub(4)];
    let count = u32::from_be_bytes([c0, c1, c2, c3]);
    frame::seal(&header, offset, count, first, &mut sealed, |inside| inside.extend_from_slice(body));
    let report = segment(&sealed);
    let state = &report.state;
    assert!(!state.is_usable() || report.last.is_some(), "a sealed frame is taken whole or is damage: {state}");
}

fn segment(bytes: &[u8]) -> SegmentReport {
    let first = frame::Header::decode(bytes).map_or(Revision(1), |header| header.before.revision.next());
    let report = inspect_bytes(first, bytes);
    assert_eq!(report.bytes, bytes.len() as u64);
    assert!(report.last.is_none_or(|last| last.revision >= first), "what is held begins where the segment does");
    assert!(!report.state.to_string().is_empty());
    report
}

/// Writes records to a server: each refused or accepted, and the server unharmed.
fn write(records: &[pb::Record], all_or_none: bool) {
    thread_local! {
        static SERVING: RefCell<Option<Serving>> = const { RefCell::new(None) };
    }
    SERVING.with_borrow_mut(|serving| {
        if serving.as_ref().is_some_and(|serving| serving.inputs >= INPUTS_A_SERVER) {
            *serving = None;
        }
        let Serving { runtime, service, inputs } = serving.get_or_insert_with(Serving::fresh);
        *inputs += 1;
        let records = Records {
            records: records.to_vec(),
            etags: BTreeMap::new(),
            all_or_none,
            validate_only: false,
            decisions: false,
        };
        let asked = records.records.len();
        let mut request_id = [u8::from(all_or_none); 16];
        request_id[..4].copy_from_slice(&inputs.to_be_bytes());
        let mutation =
            Mutation { caller: Caller::loopback(), request_id, digest: [0; 32], body: MutationBody::Write(records) };
        match runtime.block_on(service.change(mutation)) {
            Ok(answer) => {
                assert_eq!(answer.verdicts.len(), asked, "every record must have its verdict");
                let standings = runtime
                    .block_on(service.standings(Seen::new(answer.revision.0, "")))
                    .expect("what is written must be seen");
                // What is noted of people with open files follows in the same commit.
                assert!(standings.revision() >= answer.revision);
            }
            Err(Fault::Invalid(violations)) => assert!(all_or_none && !violations.is_empty()),
            Err(fault) => panic!("an acceptable batch was refused as {fault:?}"),
        }
    });
}
