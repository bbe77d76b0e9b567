//! The messages of one evaluation: the terms, then what the files hold, in messages
//! that a server takes in. They are made as they are sent.

use prost::Message;

use super::people::{ForceList, Outcomes};
use crate::pb;
use crate::pb::evaluate_policy_request::Part;

/// Most rows in a message.
const MOST_ROWS: usize = 10_000;
/// Most bytes of rows in a message: far below what servers take in, 4 MiB.
const MOST_BYTES: usize = 1 << 20;

/// What is sent with the terms.
#[derive(Debug, Default)]
pub struct Sent {
    /// What people did.
    pub outcomes: Outcomes,
    /// Their groups.
    pub groups: Vec<pb::GroupRow>,
    /// The force's own list, best first.
    pub force_list: ForceList,
    /// Other tables of harm.
    pub harm_tables: Vec<pb::HarmTableRows>,
    /// Another table of costs.
    pub costs: Option<pb::CostRows>,
}

/// Every message, in order.
pub fn messages(terms: pb::EvaluationTerms, sent: Sent) -> impl Iterator<Item = pb::EvaluatePolicyRequest> + Send {
    let outcomes =
        batches(sent.outcomes.rows, Message::encoded_len).map(|rows| Part::Outcomes(pb::OutcomeRows { rows }));
    let groups = batches(sent.groups, Message::encoded_len).map(|rows| Part::Groups(pb::GroupRows { rows }));
    let ForceList { references, mut scores } = sent.force_list;
    let force_list = batches(references, String::len).map(move |subject_refs| {
        let scores = scores.drain(..subject_refs.len().min(scores.len())).collect();
        Part::ForceList(pb::ForceListRows { subject_refs, scores })
    });
    std::iter::once(Part::Terms(terms))
        .chain(outcomes)
        .chain(groups)
        .chain(force_list)
        .chain(sent.harm_tables.into_iter().map(Part::HarmTable))
        .chain(sent.costs.into_iter().map(Part::Costs))
        .map(|part| pb::EvaluatePolicyRequest { part: Some(part) })
}

/// Rows in messages' worth.
fn batches<T: Send>(rows: Vec<T>, bytes: impl Fn(&T) -> usize + Send) -> impl Iterator<Item = Vec<T>> + Send {
    let mut rows = rows.into_iter().peekable();
    std::iter::from_fn(move || {
        let mut batch = Vec::new();
        let mut taken = 0;
        while batch.len() < MOST_ROWS {
            let fits = |row: &T| batch.is_empty() || taken + bytes(row) <= MOST_BYTES;
            let Some(row) = rows.next_if(fits) else { break };
            taken += bytes(&row);
            batch.push(row);
        }
        (!batch.is_empty()).then_some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_come_first_and_rows_in_messages_that_a_server_takes() {
        let sent = Sent {
            force_list: ForceList {
                references: (0..25_000).map(|at| format!("S-{at:05}")).collect(),
                scores: (0..25_000).map(f64::from).collect(),
            },
            harm_tables: vec![pb::HarmTableRows::default()],
            costs: Some(pb::CostRows::default()),
            ..Default::default()
        };
        let parts: Vec<_> = messages(pb::EvaluationTerms::default(), sent).filter_map(|message| message.part).collect();
        assert!(matches!(parts[0], Part::Terms(_)));
        let people: Vec<usize> = parts
            .iter()
            .filter_map(|part| if let Part::ForceList(list) = part { Some(list.scores.len()) } else { None })
            .collect();
        assert_eq!(people, [10_000, 10_000, 5_000]);
        assert!(matches!(parts[4], Part::HarmTable(_)) && matches!(parts[5], Part::Costs(_)));
        assert_eq!(parts.len(), 6, "what there is none of is not sent");
    }

    #[test]
    fn long_rows_make_more_messages() {
        let groups: Vec<pb::GroupRow> = (0..10_000)
            .map(|at| pb::GroupRow {
                subject_ref: format!("S-{at}"),
                values: (0..8).map(|name| (format!("{name:064}"), "x".repeat(64))).collect(),
            })
            .collect();
        let messages: Vec<_> =
            messages(pb::EvaluationTerms::default(), Sent { groups, ..Default::default() }).collect();
        assert!(messages.len() > 2);
        assert!(messages.iter().all(|message| message.encoded_len() < 2 << 20));
    }
}
