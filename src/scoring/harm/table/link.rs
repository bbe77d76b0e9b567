//! One scale for two tables. Days of one table are read as those days of the
//! index that as many of the codes told of by both lie below: equipercentile
//! linking (Kolen and Brennan, Test Equating, Scaling, and Linking, 3rd ed.,
//! 2014, ch. 2). The order of the table is kept, its unit does not matter, and
//! the harm over all these codes stays the same, so that H, half-lives and
//! floors keep their meaning.

/// Fewest codes told of by both tables from which they are linked.
pub const LEAST_CODES: usize = 30;

/// What days of a table are in days of the index, ascending in both.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Link {
    steps: Vec<(f64, f64)>,
}

impl Link {
    /// Links by what table and index tell of each code. `None`: of too few.
    pub(super) fn between(mut both: Vec<(f64, f64)>) -> Option<Self> {
        // No harm at all is no harm on any scale.
        both.retain(|(table, index)| *table > 0.0 && *index > 0.0);
        if both.len() < LEAST_CODES {
            return None;
        }
        let (mut table, mut index): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
        table.sort_unstable_by(f64::total_cmp);
        index.sort_unstable_by(f64::total_cmp);
        let mut rest = index.as_slice();
        let steps = table.chunk_by(|one, other| one >= other).map(|alike| {
            let (same, after) = rest.split_at(alike.len());
            rest = after;
            (alike[0], mean(same))
        });
        Some(Self { steps: steps.collect() })
    }

    /// Days of the table in days of the index: straight between two figures told of, in proportion below the first
    /// and above the last.
    pub(super) fn index_days(&self, days: f64) -> f64 {
        let above = self.steps.partition_point(|(table, _)| *table < days);
        let below = above.checked_sub(1).map_or((0.0, 0.0), |place| self.steps[place]);
        match self.steps.get(above) {
            Some((table, index)) => below.1 + (days - below.0) / (table - below.0) * (index - below.1),
            None => below.1 * days / below.0,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 65,536 codes")]
fn mean(days: &[f64]) -> f64 {
    days.iter().sum::<f64>() / days.len() as f64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "known answers are exact")]

    use super::*;

    fn link(both: &[(f64, f64)]) -> Option<Link> {
        Link::between(both.iter().copied().cycle().take(both.len() * LEAST_CODES).collect())
    }

    #[test]
    fn the_grave_of_one_table_are_the_grave_of_the_other() {
        let link = link(&[(1.0, 400.0), (2.0, 10.0), (3.0, 40.0)]).expect("enough codes");
        assert_eq!([1.0, 2.0, 3.0].map(|days| link.index_days(days)), [10.0, 40.0, 400.0]);
        assert_eq!(link.index_days(2.5), 220.0, "between two figures");
        assert_eq!([0.0, 0.5, 6.0].map(|days| link.index_days(days)), [0.0, 5.0, 800.0], "in proportion beyond them");
    }

    #[test]
    fn what_one_table_does_not_tell_apart_shares_the_mean_of_the_other() {
        let link = link(&[(730.0, 2.0), (730.0, 10.0), (5_000.0, 60.0)]).expect("enough codes");
        assert_eq!([730.0, 5_000.0].map(|days| link.index_days(days)), [6.0, 60.0]);
    }

    #[test]
    fn no_harm_is_no_harm_on_any_scale() {
        let link = link(&[(0.0, 7.0), (1.0, 3.0)]).expect("enough codes");
        assert_eq!([0.0, 1.0].map(|days| link.index_days(days)), [0.0, 3.0]);
    }

    #[test]
    fn a_handful_of_codes_links_nothing() {
        let few = vec![(1.0, 2.0); LEAST_CODES - 1];
        assert_eq!(Link::between(few), None);
    }
}
