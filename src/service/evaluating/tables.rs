//! The tables that an evaluation weighs and prices by: those that are built in,
//! and those that were sent.

use std::fmt::Write;

use super::terms::{Asked, MOST_TOLD};
use crate::evaluation::compare::cost::CostTable;
use crate::pb;
use crate::reference;
use crate::scoring::harm::table::{self, HarmTable};
use crate::service::fault::Fault;

/// Unit costs of crime that are built in.
const COSTS: &str = include_str!("../../../reference/costs/cost_of_crime.csv");

/// Tables that an evaluation weighs and prices by.
pub struct Tables {
    /// Tables of harm beside the index.
    pub harm: Vec<HarmTable>,
    /// Costs of crime.
    pub costs: CostTable,
}

/// Reads the tables that were sent.
///
/// # Errors
/// Everything wrong with them.
pub fn tables(asked: &Asked) -> Result<Tables, Fault> {
    let (mut harm, mut wrong) = (Vec::new(), Vec::new());
    for (place, sent) in asked.harm_tables.iter().enumerate() {
        let mut text = "code,harm_days\n".to_owned();
        for row in &sent.rows {
            // A code with a comma or a quotation mark in it is no code, and must not pass for two cells.
            let _ = writeln!(text, "\"{}\",{}", row.code.replace('"', "\"\""), row.harm_days);
        }
        match table::read(&sent.name, "sent with the evaluation", &text, reference::tables()) {
            Ok(table) => harm.push(table),
            Err(faults) => wrong.extend(faults.iter().take(MOST_TOLD).map(|fault| pb::Violation {
                field: format!("harm_tables[{place}].rows"),
                reason: "INVALID_TABLE".to_owned(),
                description: fault.to_string(),
            })),
        }
    }
    let costs = match &asked.costs {
        None => CostTable::parse(COSTS),
        Some(sent) => {
            let mut text = "offence_kind,unit_cost_gbp,source,ho_classes\n".to_owned();
            for row in &sent.rows {
                let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
                let (kind, source, codes) =
                    (cell(&row.offence_kind), cell(&sent.source), cell(&row.ho_classes.join("|")));
                let _ = writeln!(text, "{kind},{},{source},{codes}", row.unit_cost_gbp);
            }
            CostTable::parse(&text)
        }
    };
    let costs = costs.map_err(|faults| {
        wrong.extend(faults.0.iter().take(MOST_TOLD).map(|wrong| pb::Violation {
            // The first line is the header that is written here.
            field: format!("costs.rows[{}]", wrong.line.saturating_sub(2)),
            reason: "INVALID_TABLE".to_owned(),
            description: wrong.fault.to_string(),
        }));
    });
    match costs {
        Ok(costs) if wrong.is_empty() => Ok(Tables { harm, costs }),
        Ok(_) | Err(()) => Err(Fault::Invalid(wrong)),
    }
}
