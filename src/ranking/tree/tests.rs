use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::SubjectId;
use crate::domain::word::{Circulation, Family};
use crate::ranking::facets::Facet;
use crate::ranking::sample::{People, person};

/// People of few scores, so that many tie; references run against SubjectIds.
fn crowd(count: u32) -> (People, Vec<Key>) {
    let told = |n: u32| match n % 7 {
        0 => "composite=3",
        1 | 2 => "composite=5 since=9",
        3 => "composite=5 since=10 circulation=PNC_WANTED",
        _ => "",
    };
    let people = People::of((0..count).map(|n| person(&format!("{:07}", n * 37 % 10_007), told(n))));
    let keys = (0..count).map(|n| Key::of(people.row(n as usize), Family::Cohort, SubjectId(n))).collect();
    (people, keys)
}

fn in_order(mut keys: Vec<Key>, people: &People) -> Vec<Key> {
    keys.sort_by(|a, b| a.compare(*b, people));
    keys
}

fn held(tree: &Tree) -> Vec<Key> {
    tree.iter_from(0).collect()
}

/// Counts, first keys and sizes of every node are what its parent says.
fn check(node: &Node, root: bool) -> usize {
    let (count, first, fits) = match &node.below {
        Below::Keys(keys) => (keys.len(), keys[0], keys.len() <= LEAF_MOST),
        Below::Nodes(nodes) => {
            let mut before = 0;
            for node in nodes.iter() {
                assert_eq!(node.before, before, "counts to the left");
                before += u32::try_from(check(node, false)).unwrap();
            }
            assert!(!root || nodes.len() > 1, "no level for a single node");
            (before as usize, nodes[0].first, nodes.len() <= BRANCH_MOST)
        }
    };
    assert!(fits, "no node is larger than allowed");
    assert_eq!((count, first), (node.count as usize, node.first));
    count
}

fn depth(node: &Node) -> usize {
    match &node.below {
        Below::Keys(_) => 1,
        Below::Nodes(nodes) => {
            let depths: BTreeSet<usize> = nodes.iter().map(depth).collect();
            assert_eq!(depths.len(), 1, "all leaves are equally deep");
            1 + depths.first().unwrap()
        }
    }
}

fn check_tree(tree: &Tree, model: &[Key], people: &People) {
    assert_eq!(held(tree), model);
    assert_eq!(tree.len(), model.len());
    if let Some(root) = &tree.root {
        check(root, true);
        depth(root);
    }
    let mut finger = Finger::new(tree, people);
    for (place, key) in model.iter().enumerate().step_by(1 + model.len() / 200) {
        assert_eq!(tree.position(*key, people), Some(place));
        assert_eq!(finger.position(*key), place);
        assert_eq!(tree.get(place), Some(*key));
        let outranking = model.iter().filter(|other| other.merit() < key.merit()).count();
        assert_eq!(finger.outranking(*key), outranking);
        assert_eq!(tree.count_before(|held| held.merit() < key.merit()), outranking);
    }
    assert_eq!(tree.get(model.len()), None);
}

/// Whoever has a facet is found by a walk that asks for it.
fn check_facets(tree: &Tree, people: &People) {
    let wanted = Circulation::PncWanted.facet();
    let mut found: Vec<Key> = Vec::new();
    let mut at = 0;
    while let Some(leaf) = tree.leaf_from(at, |facets| facets.meets(wanted)) {
        found.extend(leaf.keys.iter().filter(|key| people.facets(key.subject()).meets(wanted)));
        at = leaf.end();
    }
    let all: Vec<Key> = tree.iter_from(0).filter(|key| people.facets(key.subject()).meets(wanted)).collect();
    assert_eq!(found, all);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_holds_what_a_sorted_array_holds_and_old_versions_stay(
        first in 0_u32..1_200,
        rounds in prop::collection::vec((0_usize..700, 0_usize..400, any::<usize>()), 1..5),
    ) {
        let (people, keys) = crowd(2_000);
        let mut model = in_order(keys[..first as usize].to_vec(), &people);
        let mut out: Vec<Key> = keys[first as usize..].to_vec();
        let mut tree = Tree::from_sorted(&model, &people);
        check_tree(&tree, &model, &people);
        for (leaving, coming, step) in rounds {
            let before = model.clone();
            let pick = |from: &mut Vec<Key>, count: usize| {
                let mut picked = Vec::new();
                for n in 0..count.min(from.len()) {
                    let place = step.wrapping_mul(n + 1) % from.len();
                    picked.push(from.swap_remove(place));
                }
                picked
            };
            let removed = in_order(pick(&mut model, leaving), &people);
            let added = in_order(pick(&mut out, coming), &people);
            let new = tree.updated(&removed, &added, &people, &mut Meter::default());
            model.extend(&added);
            out.extend(&removed);
            model = in_order(model, &people);
            check_tree(&new, &model, &people);
            check_facets(&new, &people);
            prop_assert_eq!(held(&tree), before, "the old version stays");
            tree = new;
        }
    }
}

#[test]
fn one_at_a_time_comes_to_the_same_as_all_at_once() {
    let (people, keys) = crowd(6_000);
    let mut tree = Tree::default();
    for key in &keys {
        tree = tree.updated(&[], &[*key], &people, &mut Meter::default());
    }
    check_tree(&tree, &in_order(keys.clone(), &people), &people);
    assert!(depth(tree.root.as_ref().unwrap()) >= 3, "the crowd must fill several levels");
    for key in &keys[..5_990] {
        tree = tree.updated(&[*key], &[], &people, &mut Meter::default());
    }
    check_tree(&tree, &in_order(keys[5_990..].to_vec(), &people), &people);
    assert_eq!(depth(tree.root.as_ref().unwrap()), 1, "levels go when they only lead to one node");
    let empty = tree.updated(&in_order(keys[5_990..].to_vec(), &people), &[], &people, &mut Meter::default());
    assert!(empty.is_empty());
}

#[test]
fn a_lone_change_copies_one_leaf_and_the_way_to_it() {
    let (people, keys) = crowd(6_000);
    let order = in_order(keys, &people);
    let tree = Tree::from_sorted(&order, &people);
    let mut meter = Meter::default();
    let new = tree.updated(&[order[3_000]], &[order[3_000]], &people, &mut meter);
    assert!(meter.bytes < 10_000, "{} bytes", meter.bytes);
    let leaves = |tree: &Tree| {
        let mut leaves = BTreeSet::new();
        let mut at = 0;
        while let Some(leaf) = tree.leaf_at(at) {
            leaves.insert(leaf.keys.as_ptr() as usize);
            at = leaf.end();
        }
        leaves
    };
    let (old, new) = (leaves(&tree), leaves(&new));
    assert_eq!(old.difference(&new).count(), 1);
}

#[test]
fn leaves_that_lack_a_facet_are_passed_over() {
    let count = 6_000;
    let people = People::of(
        (0..count)
            .map(|n| person(&format!("{n:07}"), if n == 4_321 { "reason=ESCAPE circulation=FORCE_ONLY" } else { "" })),
    );
    let keys = (0..count).map(|n| Key::of(people.row(n as usize), Family::Cohort, SubjectId(n))).collect();
    let tree = Tree::from_sorted(&in_order(keys, &people), &people);
    let with = |facets: Facets| facets.meets(Circulation::ForceOnly.facet());
    let leaf = tree.leaf_from(0, with).expect("somebody is circulated by the force");
    assert!(leaf.keys.iter().any(|key| key.subject() == SubjectId(4_321)));
    assert!(tree.leaf_from(leaf.end(), with).is_none());
}
