//! What the audit says of a change: that it was merged into scores where it was,
//! and only there.

use super::*;

const WRITE: &str = "/steelyard.v1.EvidenceService/WriteEvidence";
const IMPORT: &str = "/steelyard.v1.EvidenceService/ImportEvidence";

fn write(validate_only: bool) -> Vec<u8> {
    let records = person("N", "Northgate", 0);
    pb::WriteEvidenceRequest { request_id: new_id(), records, validate_only, ..Default::default() }.encode_to_vec()
}

fn import(validate_only: bool) -> Vec<u8> {
    let records = person("N", "Northgate", 0);
    let request_id = new_id();
    pb::ImportEvidenceRequest { request_id, sequence: 1, records, validate_only }.encode_to_vec()
}

fn disclose() -> Vec<u8> {
    pb::RecordDisclosureRequest {
        request_id: new_id(),
        subject_ref: reference("N", 0),
        recipient: "Probation".to_owned(),
        purpose: "Supervision after release.".to_owned(),
        what: "Band and address of the person.".to_owned(),
        legal_basis: "section 35".to_owned(),
        officer: "DI-1".to_owned(),
        ..Default::default()
    }
    .encode_to_vec()
}

fn restrict() -> Vec<u8> {
    pb::RestrictProcessingRequest {
        request_id: new_id(),
        subject_ref: reference("N", 0),
        ground: pb::RestrictionGround::AccuracyContested.into(),
        officer: "DI-1".to_owned(),
        reason: "Because the test says so.".to_owned(),
        open_files_reason: "Because the test says so.".to_owned(),
        ..Default::default()
    }
    .encode_to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_merged_into_a_score_is_told_as_a_combination() {
    let guarded = Guarded::new().await;
    guarded.write(person("N", "Northgate", 0)).await;
    let disclosing = "/steelyard.v1.EvidenceService/RecordDisclosure";
    let restricting = "/steelyard.v1.EvidenceService/RestrictProcessing";
    let calls = [
        ("written", WRITE, write(false), true, true),
        ("judged", WRITE, write(true), false, false),
        ("imported", IMPORT, import(false), true, true),
        ("import-judged", IMPORT, import(true), false, false),
        ("disclosed", disclosing, disclose(), true, false),
        ("restricted", restricting, restrict(), true, true),
    ];
    for (name, path, message, ..) in &calls {
        let means = Means { correlation_id: (*name).to_owned(), ..guarded.whole() };
        call(&guarded.channel, path, message.clone(), &means)
            .await
            .unwrap_or_else(|status| panic!("{name}: {}", told(&status)));
    }
    let audit = guarded.audit().await;
    for (name, _, _, kept, merged) in calls {
        let of_person = audit[name].iter().filter(|event| event.subject_count == 1);
        let (combinations, others): (Vec<_>, Vec<_>) =
            of_person.partition(|event| event.kind() == pb::AuditKind::Combination);
        assert_eq!(others.len(), 1, "{name}: that it was asked for is told");
        assert_eq!(combinations.len(), usize::from(merged), "{name}: {combinations:?}");
        for event in combinations.iter().chain(&others) {
            assert_eq!(event.last_revision > 0, kept, "{name}: {event:?}");
        }
        assert!(combinations.iter().all(|event| !event.policy_version.is_empty()), "{name}: {combinations:?}");
    }
    guarded.server.kill();
}
