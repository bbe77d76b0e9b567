//! New versions of a tree. Changes come sorted and all at once, so that a
//! group of writes copies each node on its way once.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{BRANCH_FILL, BRANCH_LEAST, BRANCH_MOST, Below, LEAF_FILL, LEAF_LEAST, LEAF_MOST, Node, Tree};
use crate::ranking::facets::Facets;
use crate::ranking::key::{Key, Lookup};

/// Counts the bytes that new versions allot, which bounds what an old version alone keeps alive.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    /// Bytes so far.
    pub bytes: u64,
}

/// Keys to take out and to put in, both in order.
#[derive(Clone, Copy)]
struct Changes<'a> {
    removed: &'a [Key],
    added: &'a [Key],
}

impl<'a> Changes<'a> {
    /// The key of the first change.
    fn first(self, lookup: &impl Lookup) -> Option<Key> {
        match (self.removed.first(), self.added.first()) {
            (Some(gone), Some(new)) if gone.compare(*new, lookup) == Ordering::Less => Some(*gone),
            (_, Some(new)) => Some(*new),
            (gone, None) => gone.copied(),
        }
    }

    /// Those before a key, and the rest.
    fn split_before(self, key: Key, lookup: &impl Lookup) -> (Changes<'a>, Changes<'a>) {
        let split = |keys: &'a [Key]| keys.split_at(count_before(keys, key, lookup));
        let (removed, removed_after) = split(self.removed);
        let (added, added_after) = split(self.added);
        (Changes { removed, added }, Changes { removed: removed_after, added: added_after })
    }
}

/// How many of some keys in order come before a key.
fn count_before(keys: &[Key], key: Key, lookup: &impl Lookup) -> usize {
    keys.partition_point(|held| held.compare(key, lookup) == Ordering::Less)
}

/// What an update carries along.
struct Work<'a, L> {
    lookup: &'a L,
    meter: &'a mut Meter,
    /// The leaf at hand, after its changes.
    merged: Vec<Key>,
}

impl Tree {
    /// This tree less some keys and with others, both in order; this version stays as it is.
    /// A key taken out and put in again refreshes the facets on its way. `lookup` must know the
    /// references of everyone concerned, the same for those who stay as when they were put in.
    #[must_use]
    pub fn updated(&self, removed: &[Key], added: &[Key], lookup: &impl Lookup, meter: &mut Meter) -> Self {
        let mut nodes = Vec::new();
        match &self.root {
            Some(root) => {
                let mut work = Work { lookup, meter, merged: Vec::with_capacity(LEAF_MOST + added.len()) };
                rewrite(root, Changes { removed, added }, &mut work, &mut nodes);
            }
            None => cut_leaves(added, lookup, &mut nodes, meter),
        }
        Self { root: raise(nodes, meter) }
    }
}

/// Puts in `out` what becomes of a node that changes: one in its place, several, or nothing.
fn rewrite<L: Lookup>(node: &Node, changes: Changes<'_>, work: &mut Work<'_, L>, out: &mut Vec<Node>) {
    match &node.below {
        Below::Keys(keys) => {
            merge(keys, changes, work.lookup, &mut work.merged);
            if work.merged.len() > LEAF_MOST {
                cut_leaves(&work.merged, work.lookup, out, work.meter);
            } else if !work.merged.is_empty() {
                let added = changes.added.iter().map(|key| work.lookup.facets(key.subject()));
                out.push(leaf(&work.merged, added.fold(node.facets, |all, facets| all | facets), work.meter));
            }
        }
        Below::Nodes(nodes) => {
            let mut children = Vec::with_capacity(nodes.len() + 4);
            let mut rest = changes;
            let mut done = 0;
            while let Some(first) = rest.first(work.lookup) {
                let later = |node: &Node| node.first.compare(first, work.lookup) == Ordering::Greater;
                let child = done + nodes[done + 1..].partition_point(|node| !later(node));
                children.extend_from_slice(&nodes[done..child]);
                let (own, after) = match nodes.get(child + 1) {
                    Some(next) => rest.split_before(next.first, work.lookup),
                    None => (rest, Changes { removed: &[], added: &[] }),
                };
                rewrite(&nodes[child], own, work, &mut children);
                rest = after;
                done = child + 1;
            }
            children.extend_from_slice(&nodes[done..]);
            if !changes.removed.is_empty() {
                children = joined(children, work.meter);
            }
            cut_branches(children, out, work.meter);
        }
    }
}

/// The keys of a leaf after its changes. What lies between changes is copied whole.
fn merge(keys: &[Key], changes: Changes<'_>, lookup: &impl Lookup, merged: &mut Vec<Key>) {
    merged.clear();
    let Changes { mut removed, mut added } = changes;
    let mut rest = keys;
    loop {
        let going = removed.first().map(|gone| count_before(rest, *gone, lookup));
        let coming = added.first().map(|new| count_before(rest, *new, lookup));
        match (coming, going) {
            (Some(coming), going) if going.is_none_or(|going| coming <= going) => {
                merged.extend_from_slice(&rest[..coming]);
                merged.push(added[0]);
                (rest, added) = (&rest[coming..], &added[1..]);
            }
            (_, Some(going)) => {
                debug_assert_eq!(rest.get(going), removed.first(), "only what is held must be taken out");
                merged.extend_from_slice(&rest[..going]);
                (rest, removed) = (&rest[going + 1..], &removed[1..]);
            }
            (_, None) => {
                merged.extend_from_slice(rest);
                return;
            }
        }
    }
}

fn leaf(keys: &[Key], facets: Facets, meter: &mut Meter) -> Node {
    meter.bytes += (size_of_val(keys) + 16) as u64;
    Node { first: keys[0], before: 0, count: count(keys.len()), facets, below: Below::Keys(keys.into()) }
}

fn branch(nodes: Vec<Node>, meter: &mut Meter) -> Node {
    meter.bytes += (size_of_val(&*nodes) + 16) as u64;
    let (first, facets) = (nodes[0].first, nodes.iter().fold(Facets::NONE, |all, node| all | node.facets));
    let mut before = 0;
    let nodes: Arc<[Node]> = nodes
        .into_iter()
        .map(|mut node| {
            node.before = before;
            before += node.count;
            node
        })
        .collect();
    Node { first, before: 0, count: before, facets, below: Below::Nodes(nodes) }
}

/// Cuts keys in order into leaves of even size, with the facets that their people have.
pub(super) fn cut_leaves(keys: &[Key], lookup: &impl Lookup, out: &mut Vec<Node>, meter: &mut Meter) {
    for part in even_parts(keys.len(), LEAF_MOST, LEAF_FILL) {
        let keys = &keys[part];
        let facets = keys.iter().fold(Facets::NONE, |all, key| all | lookup.facets(key.subject()));
        out.push(leaf(keys, facets, meter));
    }
}

/// Cuts siblings into branches of even size.
fn cut_branches(nodes: Vec<Node>, out: &mut Vec<Node>, meter: &mut Meter) {
    if (1..=BRANCH_MOST).contains(&nodes.len()) {
        out.push(branch(nodes, meter));
        return;
    }
    let parts = even_parts(nodes.len(), BRANCH_MOST, BRANCH_FILL);
    let mut nodes = nodes.into_iter();
    out.extend(parts.map(|part| branch(nodes.by_ref().take(part.len()).collect(), meter)));
}

/// Ranges that cut `len` items into parts of at most `most`: one part while it fits, else near `fill` each.
fn even_parts(len: usize, most: usize, fill: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let parts = match len {
        0 => 0,
        len if len <= most => 1,
        len => len.div_ceil(fill),
    };
    (0..parts).map(move |part| len * part / parts..len * (part + 1) / parts)
}

/// Adds levels until one node is left; takes away levels that only lead to one.
pub(super) fn raise(mut nodes: Vec<Node>, meter: &mut Meter) -> Option<Node> {
    while nodes.len() > 1 {
        let mut above = Vec::new();
        cut_branches(nodes, &mut above, meter);
        nodes = above;
    }
    let mut root = nodes.pop()?;
    while let Below::Nodes(nodes) = &root.below
        && let [only] = &**nodes
    {
        root = only.clone();
    }
    Some(root)
}

/// Joins siblings that have grown small with those beside them.
fn joined(nodes: Vec<Node>, meter: &mut Meter) -> Vec<Node> {
    if nodes.iter().all(|node| !node.below.is_small()) {
        return nodes;
    }
    let mut out: Vec<Node> = Vec::with_capacity(nodes.len());
    for node in nodes {
        match out.pop() {
            Some(last) if last.below.is_small() || node.below.is_small() => match last.join(&node, meter) {
                Some(joined) => out.push(joined),
                None => out.extend([last, node]),
            },
            Some(last) => out.extend([last, node]),
            None => out.push(node),
        }
    }
    out
}

impl Below {
    fn is_small(&self) -> bool {
        match self {
            Self::Keys(keys) => keys.len() < LEAF_LEAST,
            Self::Nodes(nodes) => nodes.len() < BRANCH_LEAST,
        }
    }
}

impl Node {
    /// This node and its right sibling as one, where they fit.
    fn join(&self, next: &Self, meter: &mut Meter) -> Option<Self> {
        match (&self.below, &next.below) {
            (Below::Keys(left), Below::Keys(right)) if left.len() + right.len() <= LEAF_MOST => {
                Some(leaf(&[&**left, &**right].concat(), self.facets | next.facets, meter))
            }
            (Below::Nodes(left), Below::Nodes(right)) if left.len() + right.len() <= BRANCH_MOST => {
                Some(branch([&**left, &**right].concat(), meter))
            }
            (Below::Keys(_) | Below::Nodes(_), Below::Keys(_) | Below::Nodes(_)) => None,
        }
    }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).expect("a leaf must be small")
}
