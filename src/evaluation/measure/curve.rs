//! The harm that the first so many people of an order did, from the first to the last:
//! what a plot of harm captured shows. Values only, without intervals.

use super::question::IndexDate;

/// Of all the harm, the share that the first people of an order did, by the share of people (0 to 1, rising): the mean
/// over the dates on which there was harm. Where the line falls between two people or among equals, what lies above it
/// counts in proportion. `None` where there was no harm.
pub fn harm_curve(dates: &[IndexDate], ranking: usize, shares: &[f64]) -> Option<Vec<f64>> {
    let curves: Vec<Vec<f64>> = dates.iter().filter_map(|date| on(date, ranking, shares)).collect();
    let mean = |at: usize| curves.iter().map(|curve| curve[at]).sum::<f64>() / curves.len() as f64;
    (!curves.is_empty()).then(|| (0..shares.len()).map(mean).collect())
}

fn on(date: &IndexDate, ranking: usize, shares: &[f64]) -> Option<Vec<f64>> {
    let all: f64 = date.rows.iter().map(|row| row.harm).sum();
    let mut groups = date.rankings[ranking]
        .groups()
        .map(|group| (group.len() as f64, group.iter().map(|row| date.rows[*row as usize].harm).sum::<f64>()));
    let (mut people, mut harm, mut group) = (0.0, 0.0, (0.0, 0.0));
    let mut at = |share: f64| {
        let line = share * date.rows.len() as f64;
        while people + group.0 < line {
            people += group.0;
            harm += group.1;
            group = groups.next()?;
        }
        let part = if group.0 > 0.0 { (line - people) / group.0 } else { 0.0 };
        Some(((harm + part * group.1) / all).min(1.0))
    };
    (all > 0.0).then(|| shares.iter().map(|share| at(*share).unwrap_or(1.0)).collect())
}
