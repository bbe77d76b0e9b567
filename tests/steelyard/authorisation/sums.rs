//! Sizes and sums: of those in scope, or not for whoever is held to one.

use super::*;

const ONE: &str = "/steelyard.v1.RankingService/GetStanding";
const MANY: &str = "/steelyard.v1.RankingService/ListStandings";

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
}
