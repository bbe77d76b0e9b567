use super::attack::people;
use super::{Level, Told, level_of_all, levels};
use crate::evaluation::compare::groups::{Counts, Rate, compare};

#[test]
fn a_small_group_takes_the_next_smallest_with_it() {
    let groups = [
        Counts::new(100, 100, 100, 700),
        Counts::new(2, 1, 2, 4),
        Counts::new(20, 20, 20, 40),
        Counts::new(30, 30, 30, 60),
    ];
    assert_eq!(levels(&groups), [Level::Everything, Level::Nothing, Level::Nothing, Level::Everything]);
}

#[test]
fn of_two_groups_neither_is_told_where_one_is_small() {
    let groups = [Counts::new(100, 100, 100, 700), Counts::new(2, 1, 2, 4)];
    assert_eq!(levels(&groups), [Level::Nothing, Level::Nothing]);
}

#[test]
fn a_rare_outcome_hides_the_outcomes_and_not_the_selection() {
    let groups = [Counts::new(100, 100, 100, 700), Counts::new(1, 39, 3, 57), Counts::new(30, 30, 30, 90)];
    assert_eq!(levels(&groups), [Level::Everything, Level::Selection, Level::Selection]);
}

#[test]
fn hidden_groups_that_are_few_even_together_take_another_with_them() {
    let large = Counts::new(100, 100, 100, 700);
    // Eight selected in the two small groups together.
    let groups = [large, Counts::new(2, 2, 20, 20), Counts::new(2, 2, 20, 20), Counts::new(30, 30, 30, 60)];
    assert_eq!(levels(&groups), [Level::Everything, Level::Nothing, Level::Nothing, Level::Nothing]);
    // Nine outcomes in two groups together.
    let groups = [large, Counts::new(2, 38, 2, 58), Counts::new(2, 38, 3, 57), Counts::new(30, 30, 30, 60)];
    assert_eq!(levels(&groups), [Level::Everything, Level::Selection, Level::Selection, Level::Selection]);
}

#[test]
fn hidden_groups_without_a_single_false_positive_take_another_with_them() {
    let groups = [Counts::new(100, 100, 100, 700), Counts::new(15, 0, 5, 5), Counts::new(15, 0, 10, 10)];
    assert_eq!(levels(&groups), [Level::Selection; 3]);
}

#[test]
fn where_every_group_is_large_enough_everything_is_told() {
    let groups = [Counts::new(100, 100, 100, 700), Counts::new(5, 5, 5, 5)];
    assert_eq!(levels(&groups), [Level::Everything; 2]);
}

#[test]
fn a_handful_of_people_is_not_told_even_together() {
    assert_eq!(level_of_all(&Counts::new(2, 2, 2, 2)), Level::Nothing);
    let table = compare(&people(&[Counts::new(1, 1, 1, 1), Counts::new(1, 1, 1, 1)]), None, 1).unwrap();
    assert_eq!(table.all.people, Told::Suppressed);
}

#[test]
fn a_rate_is_not_set_beside_one_that_is_suppressed() {
    // The reference group has too few outcomes, and takes the next smallest along.
    let groups = [Counts::new(4, 396, 4, 596), Counts::new(30, 30, 30, 60), Counts::new(30, 30, 30, 90)];
    let table = compare(&people(&groups), None, 1).unwrap();
    let against = |rate: &Told<Rate>| rate.number().map(|rate| rate.against.is_suppressed());
    assert_eq!(table.reference.as_deref(), Some("a"));
    assert_eq!(against(&table.groups[2].selected), Some(false));
    assert_eq!(against(&table.groups[2].false_positive), Some(true));
    assert_eq!(against(&table.groups[1].false_positive), None);
}
