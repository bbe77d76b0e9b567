//! A dense array that keeps its old versions: a clone is one counter, and a
//! change copies four small blocks, never the whole. Rows, dossiers and
//! postings live in these.
//!
//! Blocks are small where copying them is dear: cloning a leaf of people means
//! touching the counter of every dossier in it, each a miss of the cache.

use std::sync::Arc;

const LEAF_BITS: usize = 4;
const BRANCH_BITS: usize = 5;
const LEAF: usize = 1 << LEAF_BITS;
const BRANCH: usize = 1 << BRANCH_BITS;

type Leaf<T> = Arc<[T]>;
type Twig<T> = Arc<[Leaf<T>]>;
type Limb<T> = Arc<[Twig<T>]>;

/// A persistent array: leaves of 16, two levels of 32 above, and a top of 16,384 items an entry.
#[derive(Debug)]
pub struct Chunked<T> {
    len: usize,
    top: Arc<[Limb<T>]>,
}

impl<T> Clone for Chunked<T> {
    fn clone(&self) -> Self {
        Self { len: self.len, top: Arc::clone(&self.top) }
    }
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { len: 0, top: Arc::from([]) }
    }
}

/// Where an item lies, from the top down.
const fn path(index: usize) -> [usize; 4] {
    let twig = index >> LEAF_BITS;
    let limb = twig >> BRANCH_BITS;
    [limb >> BRANCH_BITS, limb & (BRANCH - 1), twig & (BRANCH - 1), index & (LEAF - 1)]
}

impl<T> Chunked<T> {
    /// Number of items.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at a place.
    pub fn get(&self, index: usize) -> Option<&T> {
        let [limb, twig, leaf, place] = path(index);
        self.top.get(limb)?.get(twig)?.get(leaf)?.get(place)
    }

    /// Every item, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.top.iter().flat_map(|limb| limb.iter()).flat_map(|twig| twig.iter()).flat_map(|leaf| leaf.iter())
    }

    /// Places of blocks that another version does not share with this one, as ranges of items: whatever changed lies in
    /// them, and little else. Ascending.
    pub fn differing(&self, other: &Self) -> Vec<std::ops::Range<usize>> {
        let most = self.len.max(other.len);
        let mut ranges = Vec::new();
        // Whole branches that are shared are passed over: what a write has not touched costs nothing, and no counter moves.
        for (limb, this, that) in unshared(&self.top, &other.top) {
            for (twig, this, that) in unshared(branches(this), branches(that)) {
                for (leaf, _, _) in unshared(branches(this), branches(that)) {
                    let from = ((limb << BRANCH_BITS | twig) << BRANCH_BITS | leaf) << LEAF_BITS;
                    ranges.push(from..(from + LEAF).min(most));
                }
            }
        }
        ranges
    }

    /// Bytes that changing the items at these places (ascending) will copy.
    pub fn bytes_copied(places: impl IntoIterator<Item = usize>) -> u64 {
        let mut last = None::<usize>;
        let mut bytes = 0;
        for place in places {
            let new_block = |bits: usize| last.is_none_or(|last| last >> bits != place >> bits);
            let mut count = |bits: usize, block: usize| bytes += if new_block(bits) { block } else { 0 };
            count(LEAF_BITS, LEAF * size_of::<T>());
            count(LEAF_BITS + BRANCH_BITS, BRANCH * size_of::<Leaf<T>>());
            count(LEAF_BITS + 2 * BRANCH_BITS, BRANCH * size_of::<Twig<T>>());
            last = Some(place);
        }
        bytes as u64
    }
}

impl<T: Clone> Chunked<T> {
    /// Puts an item in place of another. Blocks shared with another version are copied first,
    /// once for all changes made to this version.
    ///
    /// # Panics
    /// When there is no such place.
    pub fn replace(&mut self, index: usize, item: T) {
        assert!(index < self.len, "only what is there must be replaced");
        let [limb, twig, leaf, place] = path(index);
        let limb = &mut Arc::make_mut(&mut self.top)[limb];
        let twig = &mut Arc::make_mut(limb)[twig];
        let leaf = &mut Arc::make_mut(twig)[leaf];
        Arc::make_mut(leaf)[place] = item;
    }

    /// Adds items at the end.
    pub fn extend(&mut self, items: impl IntoIterator<Item = T>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        // The last leaf is taken up again where it is not full.
        let mut number = self.len >> LEAF_BITS;
        let mut leaf: Vec<T> = Vec::with_capacity(LEAF);
        leaf.extend((number << LEAF_BITS..self.len).filter_map(|index| self.get(index)).cloned());
        for item in items {
            leaf.push(item);
            self.len += 1;
            if leaf.len() == LEAF {
                self.put_leaf(number, leaf.drain(..).collect());
                number += 1;
            }
        }
        if !leaf.is_empty() {
            self.put_leaf(number, leaf.into());
        }
    }

    /// Fills up to `len` items with clones of one.
    pub fn grow_to(&mut self, len: usize, filler: &T) {
        let missing = len.saturating_sub(self.len);
        self.extend(std::iter::repeat_n(filler, missing).cloned());
    }

    /// Puts a leaf at the end, or in place of the last.
    fn put_leaf(&mut self, number: usize, leaf: Leaf<T>) {
        let [limb, twig, place, _] = path(number << LEAF_BITS);
        let limb = grown(&mut self.top, limb);
        let twig = grown(limb, twig);
        if place == twig.len() {
            *twig = twig.iter().cloned().chain([leaf]).collect();
        } else {
            Arc::make_mut(twig)[place] = leaf;
        }
    }
}

impl<T: Clone> FromIterator<T> for Chunked<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut chunked = Self::default();
        chunked.extend(items);
        chunked
    }
}

/// A block of one version of an array; `None` where that ends before it.
type Block<'a, T> = Option<&'a Arc<[T]>>;

/// The blocks at places where two versions do not share one, with the place.
fn unshared<'a, T>(
    this: &'a [Arc<[T]>],
    that: &'a [Arc<[T]>],
) -> impl Iterator<Item = (usize, Block<'a, T>, Block<'a, T>)> {
    let pairs = (0..this.len().max(that.len())).map(|place| (place, this.get(place), that.get(place)));
    pairs.filter(|(_, this, that)| !this.zip(*that).is_some_and(|(this, that)| Arc::ptr_eq(this, that)))
}

/// What a block holds; nothing where it is missing.
fn branches<T>(block: Block<'_, T>) -> &[T] {
    block.map_or(&[], |block| block)
}

/// The block at `place`, made empty at the end if it is not there yet.
fn grown<T>(blocks: &mut Arc<[Arc<[T]>]>, place: usize) -> &mut Arc<[T]> {
    if place == blocks.len() {
        *blocks = blocks.iter().cloned().chain([Arc::from([])]).collect();
    }
    &mut Arc::make_mut(blocks)[place]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(chunked: &Chunked<u32>) -> Vec<u32> {
        chunked.iter().copied().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_holds_what_an_array_holds_and_old_versions_stay(
            first in prop::collection::vec(any::<u32>(), 0..1200),
            added in prop::collection::vec(any::<u32>(), 0..600),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 0..40),
        ) {
            let old: Chunked<u32> = first.iter().copied().collect();
            let mut model = first.clone();
            let mut new = old.clone();
            new.extend(added.iter().copied());
            model.extend(&added);
            if !model.is_empty() {
                for (place, value) in changes {
                    let place = place.index(model.len());
                    new.replace(place, value);
                    model[place] = value;
                }
            }
            prop_assert_eq!(all(&new), model.clone());
            prop_assert_eq!(new.len(), model.len());
            for (place, value) in model.iter().enumerate() {
                prop_assert_eq!(new.get(place), Some(value));
            }
            prop_assert_eq!(new.get(model.len()), None);
            prop_assert_eq!(all(&old), first);
        }
    }

    #[test]
    fn it_grows_past_every_level() {
        let chunked: Chunked<usize> = (0..40_000).collect();
        assert!(chunked.iter().copied().eq(0..40_000));
        assert_eq!(chunked.get(16_384), Some(&16_384));
        assert_eq!(chunked.get(40_000), None);
    }

    #[test]
    fn a_change_copies_only_the_blocks_on_its_way() {
        let old: Chunked<usize> = (0..40_000).collect();
        let mut new = old.clone();
        new.replace(5, 0);
        let shared = |place: usize| std::ptr::eq(old.get(place).expect("held"), new.get(place).expect("held"));
        assert!(!shared(4), "its own leaf is copied");
        assert!(shared(16), "the leaf beside it is shared");
        assert!(shared(39_999));
    }

    #[test]
    fn what_differs_between_versions_is_found_by_block() {
        let old: Chunked<usize> = (0..40_000).collect();
        let mut new = old.clone();
        assert!(new.differing(&old).is_empty());
        new.replace(5, 0);
        new.replace(20_000, 0);
        new.extend([1, 2]);
        assert_eq!(new.differing(&old), [0..16, 20_000..20_016, 40_000..40_002]);
        assert_eq!(old.differing(&new), [0..16, 20_000..20_016, 40_000..40_002]);
        assert_eq!(new.differing(&Chunked::default()).len(), 40_002_usize.div_ceil(16));
    }

    #[test]
    fn changes_near_one_another_are_counted_once() {
        let one = Chunked::<u64>::bytes_copied([5]);
        assert_eq!(Chunked::<u64>::bytes_copied([5, 6]), one);
        assert_eq!(Chunked::<u64>::bytes_copied([5, 16]), one + 16 * 8);
        assert_eq!(Chunked::<u64>::bytes_copied([5, 20_000]), 2 * one);
    }
}
