//! Two attackers. One solves the linear equations that a told table amounts
//! to, totals included; the other looks for another set of whole, not negative
//! counts that would have been told alike. Neither may pin down a number about
//! fewer people than may be told.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::level::levels_from;
use super::{FEWEST, Level};
use crate::evaluation::compare::groups::{Counts, Person, Row, Table, compare};

/// What an attacker may ask of a group: sums of its four counts, in the order of `cells`.
const SUMS: [[i64; 4]; 9] = [
    [1, 1, 1, 1], // people
    [1, 1, 0, 0], // selected
    [0, 0, 1, 1], // not selected
    [1, 0, 1, 0], // with the outcome
    [0, 1, 0, 1], // without
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
];

fn cells(counts: &Counts) -> [u32; 4] {
    [counts.true_positive, counts.false_positive, counts.false_negative, counts.true_negative]
}

fn shown(groups: &[Counts]) -> Vec<[u32; 4]> {
    groups.iter().map(cells).collect()
}

fn sum(cells: [u32; 4], which: [i64; 4]) -> i64 {
    cells.into_iter().zip(which).map(|(count, taken)| i64::from(count) * taken).sum()
}

/// Sums that are not to be known: each margin under the fewest, and every count within it.
fn protected(counts: &Counts, fewest: u32) -> Vec<[i64; 4]> {
    let small = |which: &[i64; 4]| sum(cells(counts), *which) < i64::from(fewest);
    let within = |part: &[i64; 4], whole: &[i64; 4]| part.iter().zip(whole).all(|(part, whole)| part <= whole);
    // Those not selected are the denominator of no rate; their margin may be known where the group is large enough.
    let margins: Vec<[i64; 4]> = [SUMS[0], SUMS[1], SUMS[3], SUMS[4]].into_iter().filter(small).collect();
    SUMS.into_iter().filter(|which| margins.iter().any(|margin| within(which, margin))).collect()
}

/// People who make up these groups, valued "a" and on.
pub(super) fn people(groups: &[Counts]) -> Vec<Person<'static>> {
    const VALUES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let mut people = Vec::new();
    for (group, value) in groups.iter().zip(VALUES) {
        for (count, (selected, outcome)) in
            cells(group).into_iter().zip([(true, true), (true, false), (false, true), (false, false)])
        {
            let person = Person { group: Some(value), selected, outcome, probability: Some(0.5) };
            people.extend((0..count).map(|_| person));
        }
    }
    people
}

/// Groups of very unequal size, none empty, as they are in life.
fn random_groups(dice: &mut ChaCha8Rng) -> Vec<Counts> {
    let groups = dice.random_range(1..=6);
    let mut cell = |most: u32| dice.random_range(0..=most);
    let mut all = Vec::new();
    while all.len() < groups {
        let most = [3, 8, 15, 40][cell(3) as usize];
        let group = Counts::new(cell(most), cell(most), cell(most), cell(most));
        if group.people() > 0 {
            all.push(group);
        }
    }
    all
}

/// The told numbers as equations over the four counts of each group: which are summed. What they sum to does not matter
/// for whether something follows from them.
fn equations(table: &Table) -> Vec<Vec<i64>> {
    let width = 4 * table.groups.len();
    let mut all = Vec::new();
    let mut tell = |row: &Row, places: &dyn Fn(usize) -> bool| {
        let mut known: Vec<[i64; 4]> = Vec::new();
        known.extend(row.people.number().map(|_| SUMS[0]));
        for (rate, count, of) in [
            (&row.selected, SUMS[1], SUMS[0]),
            (&row.false_positive, SUMS[6], SUMS[4]),
            (&row.false_negative, SUMS[7], SUMS[3]),
            (&row.predictive_value, SUMS[5], SUMS[1]),
        ] {
            known.extend(rate.number().into_iter().flat_map(|_| [count, of]));
        }
        known.extend(row.calibration.number().into_iter().flatten().flat_map(|_| [SUMS[3], SUMS[0]]));
        for which in known {
            all.push((0..width).map(|at| if places(at / 4) { which[at % 4] } else { 0 }).collect());
        }
    };
    for (place, row) in table.groups.iter().enumerate() {
        tell(row, &|group| group == place);
    }
    tell(&table.all, &|_| true);
    all
}

/// Rank of a system of equations, over the whole numbers modulo a prime.
fn rank(mut rows: Vec<Vec<i64>>) -> usize {
    const PRIME: i64 = 2_147_483_647;
    let inverse = |value: i64| {
        let (mut base, mut power, mut result) = (value, PRIME - 2, 1);
        while power > 0 {
            if power & 1 == 1 {
                result = result * base % PRIME;
            }
            base = base * base % PRIME;
            power >>= 1;
        }
        result
    };
    let mut rank = 0;
    for column in 0..rows.first().map_or(0, Vec::len) {
        let Some(pivot) = (rank..rows.len()).find(|at| rows[*at][column].rem_euclid(PRIME) != 0) else { continue };
        rows.swap(rank, pivot);
        let scale = inverse(rows[rank][column].rem_euclid(PRIME));
        let pivot: Vec<i64> = rows[rank].iter().map(|value| value.rem_euclid(PRIME) * scale % PRIME).collect();
        for row in &mut rows[rank + 1..] {
            let factor = row[column].rem_euclid(PRIME);
            for (value, taken) in row.iter_mut().zip(&pivot) {
                *value = (*value - factor * taken % PRIME).rem_euclid(PRIME);
            }
        }
        rank += 1;
    }
    rank
}

#[test]
fn no_number_about_a_few_people_follows_from_the_told_ones() {
    let mut dice = ChaCha8Rng::seed_from_u64(5);
    let (mut attacked, mut told) = (0, 0);
    for _ in 0..400 {
        let groups = random_groups(&mut dice);
        let table = compare(&people(&groups), None, 1).unwrap();
        let known = equations(&table);
        let before = rank(known.clone());
        for (place, counts) in groups.iter().enumerate() {
            for which in protected(counts, FEWEST) {
                let asked = (0..4 * groups.len()).map(|at| if at / 4 == place { which[at % 4] } else { 0 });
                let mut with = known.clone();
                with.push(asked.collect());
                assert!(rank(with) > before, "{which:?} of {place} in {:?}", shown(&groups));
                attacked += 1;
            }
        }
        told += table.groups.iter().filter(|row| !row.people.is_suppressed()).count();
    }
    // Or nothing would have been shown.
    assert!(attacked > 5_000 && told > 200, "{attacked} {told}");
}

#[test]
fn the_attacker_does_find_what_plain_suppression_leaves() {
    // One group hidden and the total told: its people follow by subtraction.
    let known = vec![vec![0, 0, 0, 0, 1, 1, 1, 1], vec![1, 1, 1, 1, 1, 1, 1, 1]];
    let mut asked = known.clone();
    asked.push(vec![1, 1, 1, 1, 0, 0, 0, 0]);
    assert_eq!(rank(asked), rank(known));
}

/// Whether every protected sum has another value in some other table that would have been told alike.
struct Search<'a> {
    groups: &'a [Counts],
    levels: &'a [Level],
    open: Vec<(usize, [i64; 4])>,
}

impl Search<'_> {
    /// Fills in the groups from one on, with what is left of the totals. True when nothing remains to be found.
    fn fill(&mut self, world: &mut Vec<[u32; 4]>, left: [u32; 4]) -> bool {
        let at = world.len();
        if at == self.groups.len() {
            let truth = self.groups;
            if left == [0; 4] {
                self.open.retain(|(place, which)| sum(world[*place], *which) == sum(cells(&truth[*place]), *which));
            }
            return self.open.is_empty();
        }
        let last = at + 1 == self.groups.len();
        for a in if last { left[0] } else { 0 }..=left[0] {
            for b in if last { left[1] } else { 0 }..=left[1] {
                for c in if last { left[2] } else { 0 }..=left[2] {
                    for d in if last { left[3] } else { 0 }..=left[3] {
                        let guess = [a, b, c, d];
                        if self.told_alike(at, guess) {
                            world.push(guess);
                            let rest = std::array::from_fn(|cell| left[cell] - guess[cell]);
                            let done = self.fill(world, rest);
                            world.pop();
                            if done {
                                return true;
                            }
                        }
                    }
                }
            }
        }
        false
    }

    fn told_alike(&self, at: usize, guess: [u32; 4]) -> bool {
        let truth = cells(&self.groups[at]);
        match self.levels[at] {
            Level::Nothing => true,
            Level::Selection => {
                guess[0] + guess[1] == truth[0] + truth[1] && guess[2] + guess[3] == truth[2] + truth[3]
            }
            Level::Everything => guess == truth,
        }
    }
}

#[test]
fn counts_being_whole_and_not_negative_does_not_help_the_attacker() {
    let mut dice = ChaCha8Rng::seed_from_u64(6);
    let mut attacked = 0;
    for fewest in [2, 3] {
        for _ in 0..1_500 {
            let groups: Vec<Counts> = (0..3)
                .map(|_| {
                    let most = dice.random_range(1..=4);
                    let mut cell = || dice.random_range(0..=most);
                    Counts::new(cell(), cell(), cell(), cell())
                })
                .collect();
            let totals = groups.iter().fold([0; 4], |sum, group| {
                let cells = cells(group);
                std::array::from_fn(|at| sum[at] + cells[at])
            });
            // A total of none says so of everybody, whatever else is told.
            if totals.contains(&0) {
                continue;
            }
            let levels = levels_from(&groups, fewest);
            let open: Vec<_> = groups
                .iter()
                .enumerate()
                .flat_map(|(place, counts)| protected(counts, fewest).into_iter().map(move |which| (place, which)))
                .collect();
            attacked += open.len();
            let mut search = Search { groups: &groups, levels: &levels, open };
            search.fill(&mut Vec::new(), totals);
            assert!(search.open.is_empty(), "{:?} of {:?}, {levels:?}", search.open, shown(&groups));
        }
    }
    assert!(attacked > 10_000, "{attacked}");
}
