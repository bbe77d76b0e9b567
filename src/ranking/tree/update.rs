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
    const fn is_empty(self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// Those before a key, and the rest.
    fn split_before(self, key: Key, lookup: &impl Lookup) -> (Changes<'a>, Changes<'a>) {
        let split = |keys: &'a [Key]| {
            keys.split_at(keys.partition_point(|change| change.compare(key, lookup) == Ordering::Less))
        };
        let (removed, removed_after) = split(self.removed);
        let (added, added_after) = split(self.added);
        (Changes { removed, added }, Changes { removed: removed_after, added: added_after })
    }
}

impl Tree {
    /// This tree less some keys and with others, both in order; this version stays as it is.
    /// A key taken out and put in again refreshes the facets on its way. `lookup` must know the
    /// references of everyone concerned, the same for those who stay as when they were put in.
    #[must_use]
    pub fn updated(&self, removed: &[Key], added: &[Key], lookup: &impl Lookup, meter: &mut Meter) -> Self {
        let mut nodes = Vec::new();
        match &self.root {
            Some(root) => rewrite(root, Changes { removed, added }, lookup, &mut nodes, meter),
            None => cut_leaves(added, lookup, &mut nodes, meter),
        }
        Self { root: raise(nodes, meter) }
    }
}

/// Puts in `out` what becomes of a node: itself, one in its place, several, or nothing.
fn rewrite(node: &Node, changes: Changes<'_>, lookup: &impl Lookup, out: &mut Vec<Node>, meter: &mut Meter) {
    if changes.is_empty() {
        out.push(node.clone());
        return;
    }
    match &node.below {
        Below::Keys(keys) => {
            let merged = merge(keys, changes, lookup);
            if merged.len() > LEAF_MOST {
                cut_leaves(&merged, lookup, out, meter);
            } else if !merged.is_empty() {
                let added = changes.added.iter().map(|key| lookup.facets(key.subject()));
                out.push(leaf(&merged, added.fold(node.facets, |all, facets| all | facets), meter));
            }
        }
        Below::Nodes(nodes) => {
            let mut children = Vec::with_capacity(nodes.len() + 2);
            let mut rest = changes;
            for (place, child) in nodes.iter().enumerate() {
                let own = match nodes.get(place + 1) {
                    Some(next) if !rest.is_empty() => {
                        let (own, after) = rest.split_before(next.first, lookup);
                        rest = after;
                        own
                    }
                    Some(_) | None => rest,
                };
                rewrite(child, own, lookup, &mut children, meter);
            }
            if !changes.removed.is_empty() {
                children = joined(children, meter);
            }
            cut_branches(children, out, meter);
        }
    }
}

/// The keys of a leaf after its changes.
fn merge(keys: &[Key], changes: Changes<'_>, lookup: &impl Lookup) -> Vec<Key> {
    let mut merged = Vec::with_capacity(keys.len() + changes.added.len());
    let (mut removed, mut added) = (changes.removed.iter().peekable(), changes.added.iter().peekable());
    for key in keys {
        if removed.next_if(|gone| *gone == key).is_some() {
            continue;
        }
        while let Some(new) = added.next_if(|new| new.compare(*key, lookup) == Ordering::Less) {
            merged.push(*new);
        }
        merged.push(*key);
    }
    debug_assert!(removed.peek().is_none(), "only what is held must be taken out, in order");
    merged.extend(added);
    merged
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
