//! One list in order, as a tree that keeps its old versions: a change copies
//! one leaf and the few nodes above it. Every node counts the people below, so
//! a position is found without walking, and knows their facets together, so a
//! filter passes over what cannot match.
//!
//! A tree holds keys and nothing else; references of people whose keys tie are
//! asked of a [`Lookup`](super::key::Lookup).

use std::cmp::Ordering;
use std::sync::Arc;

use super::facets::Facets;
use super::key::{Key, Lookup};

mod update;

pub use update::Meter;

/// Most keys in a leaf: two kilobytes to copy for a lone change.
const LEAF_MOST: usize = 128;
/// Keys that a leaf is filled to, leaving room for those to come.
const LEAF_FILL: usize = 112;
/// Keys below which a leaf is joined with the one beside it.
const LEAF_LEAST: usize = 32;
/// Most children of a branch: each copied branch touches the counter of every child.
const BRANCH_MOST: usize = 32;
/// Children that a branch is filled to.
const BRANCH_FILL: usize = 28;
/// Children below which a branch is joined with the one beside it.
const BRANCH_LEAST: usize = 8;

/// A list in order, shared with its other versions.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    root: Option<Node>,
}

/// A node as its parent sees it.
#[derive(Clone, Debug)]
struct Node {
    /// The first key below.
    first: Key,
    /// Keys below the siblings on the left.
    before: u32,
    /// Keys below.
    count: u32,
    /// Facets of everyone below; may hold some that nobody below has any longer, never lacks one.
    facets: Facets,
    below: Below,
}

#[derive(Clone, Debug)]
enum Below {
    Keys(Arc<[Key]>),
    Nodes(Arc<[Node]>),
}

/// Neighbours in a list, as many as lie in one leaf.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leaf<'a> {
    /// Position, from 0, of the first in the list.
    pub start: usize,
    /// The keys, in order.
    pub keys: &'a [Key],
}

impl Leaf<'_> {
    /// Position, from 0, of the one after the last.
    pub const fn end(&self) -> usize {
        self.start + self.keys.len()
    }
}

impl Tree {
    /// A tree of keys already in order.
    pub fn from_sorted(keys: &[Key], lookup: &impl Lookup) -> Self {
        let mut leaves = Vec::new();
        update::cut_leaves(keys, lookup, &mut leaves, &mut Meter::default());
        Self { root: update::raise(leaves, &mut Meter::default()) }
    }

    /// Number of people on the list.
    pub fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.count as usize)
    }

    /// Whether nobody is on the list.
    pub const fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// How many keys at the front satisfy `before`, which must hold for a front part of the list
    /// and for none after it: the position, from 0, of the first key for which it does not.
    pub fn count_before(&self, before: impl Fn(Key) -> bool) -> usize {
        let (leaf, place) = self.leaf_around(before);
        leaf.start + place
    }

    /// The leaf in which [`Tree::count_before`] falls, and where in it. The place may be its end.
    pub fn leaf_around(&self, before: impl Fn(Key) -> bool) -> (Leaf<'_>, usize) {
        let Some(mut node) = self.root.as_ref() else { return (Leaf::default(), 0) };
        let mut start = 0;
        loop {
            match &node.below {
                Below::Keys(keys) => return (Leaf { start, keys }, keys.partition_point(|key| before(*key))),
                Below::Nodes(nodes) => {
                    let after = nodes.partition_point(|node| before(node.first));
                    node = &nodes[after.saturating_sub(1)];
                    start += node.before as usize;
                }
            }
        }
    }

    /// Position, from 0, at which a key stands; `None` where it is not on the list.
    pub fn position(&self, key: Key, lookup: &impl Lookup) -> Option<usize> {
        let (leaf, place) = self.leaf_around(|held| held.compare(key, lookup) == Ordering::Less);
        if leaf.keys.get(place) == Some(&key) {
            return Some(leaf.start + place);
        }
        // At the end of a leaf, the key may be the first of the next.
        let next = self.leaf_at(leaf.start + place)?;
        (next.keys.first() == Some(&key) && place == leaf.keys.len()).then_some(next.start)
    }

    /// The leaf that holds a position, from 0.
    pub fn leaf_at(&self, position: usize) -> Option<Leaf<'_>> {
        self.leaf_from(position, |_| true).filter(|leaf| leaf.start <= position)
    }

    /// The key at a position, from 0.
    pub fn get(&self, position: usize) -> Option<Key> {
        let leaf = self.leaf_at(position)?;
        leaf.keys.get(position - leaf.start).copied()
    }

    /// The first leaf, from the one that holds a position on, whose people together have facets
    /// that `may` match.
    pub fn leaf_from(&self, position: usize, may: impl Fn(Facets) -> bool) -> Option<Leaf<'_>> {
        fn find<'a>(node: &'a Node, start: usize, position: usize, may: &impl Fn(Facets) -> bool) -> Option<Leaf<'a>> {
            if start + node.count as usize <= position || !may(node.facets) {
                return None;
            }
            match &node.below {
                Below::Keys(keys) => Some(Leaf { start, keys }),
                Below::Nodes(nodes) => {
                    let first = nodes.partition_point(|node| start + (node.before + node.count) as usize <= position);
                    nodes[first..].iter().find_map(|node| find(node, start + node.before as usize, position, may))
                }
            }
        }
        find(self.root.as_ref()?, 0, position, &may)
    }

    /// Keys from a position, from 0, to the end.
    pub fn iter_from(&self, position: usize) -> impl Iterator<Item = Key> {
        let mut leaf = self.leaf_at(position).unwrap_or_default();
        let mut at = position;
        std::iter::from_fn(move || {
            if at >= leaf.end() {
                leaf = self.leaf_at(at)?;
            }
            let key = leaf.keys[at - leaf.start];
            at += 1;
            Some(key)
        })
    }
}

/// Searches one tree for keys that lie close together and come in order: the leaf found last is
/// asked first.
#[derive(Debug)]
pub struct Finger<'a, L> {
    tree: &'a Tree,
    lookup: &'a L,
    leaf: Leaf<'a>,
}

impl<'a, L: Lookup> Finger<'a, L> {
    /// A finger on a tree.
    pub fn new(tree: &'a Tree, lookup: &'a L) -> Self {
        Self { tree, lookup, leaf: Leaf::default() }
    }

    /// Position, from 0, of a key that is on the list.
    pub fn position(&mut self, key: Key) -> usize {
        let earlier = |held: Key| held.compare(key, self.lookup) == Ordering::Less;
        let within = match self.leaf.keys {
            [] => false,
            [first, .., last] => {
                first.compare(key, self.lookup) != Ordering::Greater && last.compare(key, self.lookup) != Ordering::Less
            }
            [only] => *only == key,
        };
        if within {
            return self.leaf.start + self.leaf.keys.partition_point(|held| earlier(*held));
        }
        let (leaf, place) = self.tree.leaf_around(earlier);
        self.leaf = leaf;
        leaf.start + place
    }

    /// How many on the list have more merit than a key: one less than its competition rank.
    pub fn outranking(&self, key: Key) -> usize {
        let better = |held: Key| held.merit() < key.merit();
        match self.leaf.keys {
            [first, .., last] if better(*first) && !better(*last) => {
                self.leaf.start + self.leaf.keys.partition_point(|held| better(*held))
            }
            _ => self.tree.count_before(better),
        }
    }
}

#[cfg(test)]
mod tests;
