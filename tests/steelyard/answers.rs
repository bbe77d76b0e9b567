//! All that a server says of anybody, to be compared bit for bit with what it,
//! or another, says later.

use std::collections::BTreeMap;

use steelyard::pb;

use crate::harness::{Client, told};

/// Every list.
const LISTS: [pb::List; 9] = [
    pb::List::Cohort,
    pb::List::Children,
    pb::List::Candidates,
    pb::List::Outstanding,
    pb::List::Wanted,
    pb::List::BailFailed,
    pb::List::Warrants,
    pb::List::Recalls,
    pb::List::All,
];

/// Every list in the FULL view.
pub type Lists = Vec<(pb::List, Vec<pb::Standing>)>;

/// Everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Store, incarnation and revision answered from.
    pub context: (String, u64),
    /// Every list in the FULL view.
    pub lists: Lists,
    /// Every version held of everybody.
    pub evidence: BTreeMap<String, Vec<pb::HeldRecord>>,
}

impl Answers {
    /// Asks for everything.
    ///
    /// # Errors
    /// What the server refused to say, in words.
    pub async fn of(client: &mut Client) -> Result<Self, String> {
        let lists = lists(client).await?;
        let mut evidence = BTreeMap::new();
        for subject_ref in people(&lists) {
            let held = client.try_held(&subject_ref, true, 1_000).await.map_err(|status| told(&status))?;
            evidence.insert(subject_ref, held);
        }
        Ok(Self { context: context(client).await?, lists, evidence })
    }

    /// The first difference, without what either says; `None`: they are equal bit for bit.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.context != other.context {
            return Some(format!("answered from {:?}, then from {:?}", self.context, other.context));
        }
        difference(&self.lists, &other.lists)
            .or_else(|| (self.evidence != other.evidence).then(|| "the evidence held differs".to_owned()))
    }
}

/// Store, incarnation and revision that are answered from.
pub async fn context(client: &mut Client) -> Result<(String, u64), String> {
    let request = pb::GetListSummaryRequest { list: pb::List::All.into(), ..Default::default() };
    let summary = client.ranking.get_list_summary(request).await.map_err(|status| told(&status))?;
    let context = summary.into_inner().context.ok_or("an answer without a context")?;
    Ok((context.store, context.revision))
}

/// Every list in the FULL view.
pub async fn lists(client: &mut Client) -> Result<Lists, String> {
    let mut lists = Lists::new();
    for list in LISTS {
        let whole = client.try_whole(list, pb::View::Full, 100).await;
        lists.push((list, whole.map_err(|status| format!("{list:?}: {}", told(&status)))?));
    }
    Ok(lists)
}

/// Everybody on any list.
pub fn people(lists: &Lists) -> Vec<String> {
    let all = lists.iter().find(|(list, _)| *list == pb::List::All);
    all.map(|(_, all)| all.iter().map(|standing| standing.subject_ref.clone()).collect()).unwrap_or_default()
}

/// The first difference between lists; `None`: they are equal bit for bit.
pub fn difference(ones: &Lists, others: &Lists) -> Option<String> {
    ones.iter().zip(others).find_map(|((list, one), (_, other))| {
        if one.len() != other.len() {
            return Some(format!("{list:?} has {} standings, then {}", one.len(), other.len()));
        }
        let place = one.iter().zip(other).position(|(one, other)| one != other)?;
        Some(format!("{list:?} differs at position {}", place + 1))
    })
}
