//! Sizes and sums: of those in scope, or not for whoever is held to one.

use super::*;

const ONE: &str = "/steelyard.v1.RankingService/GetStanding";
const MANY: &str = "/steelyard.v1.RankingService/ListStandings";
const TRIAL: &str = "/steelyard.v1.PolicyService/SimulatePolicy";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_size_of_a_list_is_the_same_with_one_person_as_with_many_and_of_those_in_scope() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let everybody = guarded.granted("chief", &["*"], &["see_children"]);
    let whole_force = guarded.sizes(&everybody).await;
    assert!(whole_force.len() >= 4, "the person is on lists of both families: {whole_force:?}");
    for means in [
        guarded.whole(),
        guarded.granted("north", &["Northgate"], &["see_children"]),
        guarded.granted("north adults", &["Northgate"], &[]),
        guarded.granted("two areas", &["Northgate", "Eastgate"], &["see_children"]),
    ] {
        let sizes = guarded.sizes(&means).await;
        assert!(sizes.iter().all(|(list, size)| size <= &whole_force[list]), "{sizes:?} of {whole_force:?}");
        assert_ne!(sizes, whole_force);
    }
    guarded.server.kill();
}

impl Guarded {
    /// Sizes of the lists that one person of the North stands on, told with the person as they are told with a page.
    async fn sizes(&self, means: &Means) -> BTreeMap<i32, u32> {
        let asked = pb::GetStandingRequest { subject_ref: reference("N", 0), ..Default::default() };
        let one: pb::GetStandingResponse = self.call(ONE, &asked, means).await;
        let mut sizes = BTreeMap::new();
        for listed in one.standings {
            let asked = pb::ListStandingsRequest { list: listed.list, ..Default::default() };
            let page: pb::ListStandingsResponse = self.call(MANY, &asked, means).await;
            assert_eq!(listed.list_size, page.list_size, "{:?}", listed.list());
            sizes.insert(listed.list, listed.list_size);
        }
        sizes
    }

    /// A trial of the policy in force on a list.
    async fn trial(&self, list: pb::List, means: &Means) -> Result<pb::SimulatePolicyResponse, Code> {
        let policy = steelyard::policy::Policy::default_text().to_owned();
        let policy = Some(pb::simulate_policy_request::Policy::Text(policy));
        let asked = pb::SimulatePolicyRequest { list: list.into(), policy, ..Default::default() };
        let answer = call(&self.channel, TRIAL, asked.encode_to_vec(), means).await;
        let messages = answer.map_err(|status| status.code())?;
        Ok(pb::SimulatePolicyResponse::decode(&*messages[0]).expect("an answer of the contract"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_sums_lists_for_those_alone_who_may_read_all_of_them() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let denied = Some(Code::PermissionDenied);
    let with = guarded.granted("safeguarding", &["*"], &["see_children"]);
    let children = guarded.trial(pb::List::Children, &with).await.expect("may see them");
    assert_eq!(children.list_size_before, 8, "four of each area are under 18");
    assert_eq!(guarded.trial(pb::List::Children, &guarded.whole()).await.err(), denied);
    let all = guarded.trial(pb::List::All, &guarded.whole()).await.expect("sees the whole force");
    assert_eq!(all.list_size_before, 40, "sums count children too");
    let north = guarded.granted("north", &["Northgate"], &["see_children"]);
    assert_eq!(guarded.trial(pb::List::All, &north).await.err(), denied);
    let claims = Issuer::claims("desk", EVERY_ROLE, &["*"], &json!({ "lists": ["WANTED"] }));
    let desk = Means { token: Some(guarded.issuer.of(&claims)), ..Means::default() };
    assert_eq!(guarded.trial(pb::List::Cohort, &desk).await.err(), denied);
    assert!(guarded.trial(pb::List::Wanted, &desk).await.is_ok());
    guarded.server.kill();
}
