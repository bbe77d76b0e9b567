//! What the first k people of an order hold: how many of them did it, how many of
//! those who did it are among them, and how much of the harm they did. k is how many
//! the cohort can manage.
//!
//! Where a group of equals lies across the line it counts in the proportion in which
//! it fits, the mean over every order in which the equals could have stood.

use super::question::Row;
use super::ranking::Ranking;
use super::resample::{LANES, Lanes, Weights};

/// How many places are passed before it is asked again how near the line is.
const RUN: u32 = 32;

/// Everybody of a date or of a group of equals, in each sample.
#[derive(Clone, Debug)]
pub(super) struct All {
    pub people: Lanes<u32>,
    pub cases: Lanes<u32>,
    pub harm: Lanes<f64>,
}

/// The first k of an order, in each sample.
#[derive(Clone, Debug)]
pub(super) struct Top {
    /// Places of the k still to fill: above 0 at the end where fewer than k people were drawn.
    room: Lanes<u32>,
    whole_cases: Lanes<u32>,
    /// Of a group of equals across the line.
    part_cases: Lanes<f64>,
    pub harm: Lanes<f64>,
}

impl All {
    /// Of these rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>, weights: &Weights) -> Self {
        let mut all = Self { people: [0; LANES], cases: [0; LANES], harm: [0.0; LANES] };
        for row in rows {
            let drawn = weights.of(row.person);
            add(&mut all.people, drawn);
            if row.outcome {
                add(&mut all.cases, drawn);
            }
            if row.harm > 0.0 {
                add_harm(&mut all.harm, drawn, row.harm);
            }
        }
        all
    }
}

impl Top {
    /// The first `k` by a ranking of rows.
    pub fn of(k: u32, ranking: &Ranking, rows: &[Row], weights: &Weights) -> Self {
        let mut top = Self { room: [k; LANES], whole_cases: [0; LANES], part_cases: [0.0; LANES], harm: [0.0; LANES] };
        for run in ranking.runs(RUN) {
            let all = |group: &[u32]| All::of(group.iter().map(|row| &rows[*row as usize]), weights);
            let (least, most) =
                top.room.iter().fold((u32::MAX, 0), |(least, most), room| (least.min(*room), most.max(*room)));
            if most == 0 {
                break;
            }
            // Far above the line of every sample all that is drawn is taken, and no group need be told apart.
            if run.rows.len() * usize::from(weights.most()) <= least as usize {
                top.take_group(&all(run.rows));
                continue;
            }
            for group in run.groups() {
                if let [row] = group {
                    let row = &rows[*row as usize];
                    top.take(weights.of(row.person), row);
                } else {
                    top.take_group(&all(group));
                }
            }
        }
        top
    }

    /// How many of them did it, a part of a group of equals counting as a part.
    pub fn cases(&self, lane: usize) -> f64 {
        f64::from(self.whole_cases[lane]) + self.part_cases[lane]
    }

    /// One person with no equal. Drawn more often than there is room, as often as there is: the draws are each
    /// other's equals.
    fn take(&mut self, drawn: &Lanes<u8>, row: &Row) {
        let mut taken = [0_u32; LANES];
        for ((taken, room), drawn) in taken.iter_mut().zip(&mut self.room).zip(drawn) {
            *taken = u32::from(*drawn).min(*room);
            *room -= *taken;
        }
        if row.outcome {
            for (cases, taken) in self.whole_cases.iter_mut().zip(&taken) {
                *cases += taken;
            }
        }
        if row.harm > 0.0 {
            for (sum, taken) in self.harm.iter_mut().zip(&taken) {
                *sum += f64::from(*taken) * row.harm;
            }
        }
    }

    /// Equals, or people who all have room.
    fn take_group(&mut self, group: &All) {
        for lane in 0..LANES {
            let (people, room) = (group.people[lane], self.room[lane]);
            if people <= room {
                self.room[lane] -= people;
                self.whole_cases[lane] += group.cases[lane];
                self.harm[lane] += group.harm[lane];
            } else {
                let fits = f64::from(room) / f64::from(people);
                self.room[lane] = 0;
                self.part_cases[lane] += fits * f64::from(group.cases[lane]);
                self.harm[lane] += fits * group.harm[lane];
            }
        }
    }
}

#[inline]
fn add(to: &mut Lanes<u32>, drawn: &Lanes<u8>) {
    for (sum, drawn) in to.iter_mut().zip(drawn) {
        *sum += u32::from(*drawn);
    }
}

#[inline]
fn add_harm(to: &mut Lanes<f64>, drawn: &Lanes<u8>, harm: f64) {
    for (sum, drawn) in to.iter_mut().zip(drawn) {
        *sum += f64::from(*drawn) * harm;
    }
}
