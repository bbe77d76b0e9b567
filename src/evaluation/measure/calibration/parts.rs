//! Values in order, cut into parts as equal as ties allow: equals stay together.

use std::ops::Range;

/// At most `most` parts of values in order. A part ends with the group of equals that reaches its share; a group that
/// reaches over several shares makes one part of them.
pub(super) fn parts(ordered: &[f64], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::with_capacity(most);
    let (mut start, mut end, mut reached) = (0, 0, 0);
    for equal in ordered.chunk_by(|one, other| one.total_cmp(other).is_eq()) {
        end += equal.len();
        let shares = end * most / ordered.len();
        if shares > reached {
            parts.push(start..end);
            (start, reached) = (end, shares);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_are_as_equal_as_can_be() {
        let values: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(parts(&values, 3), [0..4, 4..7, 7..10]);
        assert_eq!(parts(&values, 20).len(), 10);
        assert!(parts(&[], 3).is_empty());
    }

    #[test]
    fn equals_stay_in_one_part() {
        assert_eq!(parts(&[1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0, 4.0], 4), [0..6, 6..8]);
        assert_eq!(parts(&[5.0; 7], 4).len(), 1);
    }
}
