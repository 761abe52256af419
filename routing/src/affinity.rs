//! Whose prompt cache is warm: which deployment last had prompts of the same beginning.
//!
//! A prompt is cut into blocks; each block is hashed together with all before it, so that one figure stands for a whole beginning.
//! The table holds such figures with the deployment that had them, never content, and under a key of this process, so that nobody
//! outside can tell what a figure stands for or bring about two of the same. Its memory is fixed: where a place is taken, the
//! oldest entry goes.

use std::time::Duration;

use parking_lot::Mutex;

use crate::{seed::mix, tick::Tick};

/// The beginnings of one prompt, the shortest first.
#[derive(Clone, Copy, Debug)]
pub struct Prefixes {
    hashes: [u64; PrefixTable::BLOCKS],
    count: usize,
}

impl Prefixes {
    /// The beginnings of a prompt, as far as whole blocks of it go.
    fn of(key: [u64; 2], prompt: &[u8]) -> Self {
        let mut prefixes = Self { hashes: [0; PrefixTable::BLOCKS], count: 0 };
        let mut before = mix(key[0] ^ mix(key[1]));
        for (hash, block) in prefixes.hashes.iter_mut().zip(prompt.chunks_exact(PrefixTable::BLOCK_BYTES)) {
            before = hash_block(key, before, block);
            *hash = before;
            prefixes.count += 1;
        }
        prefixes
    }

    fn hashes(&self) -> &[u64] {
        self.hashes.get(..self.count).unwrap_or_default()
    }

    /// Whether the prompt is too short to have a beginning worth staying for.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Hashes a block after what came before it: sixteen bytes at a time, by the two halves of a product of 128 bits.
fn hash_block(key: [u64; 2], before: u64, block: &[u8]) -> u64 {
    let folded = |a: u64, b: u64| {
        let (low, high) = halves(u128::from(a) * u128::from(b));
        low ^ high
    };
    let (pairs, _) = block.as_chunks::<16>();
    let (mut even, mut odd) = (before, before ^ key[1]);
    for pair in pairs.chunks(2) {
        if let [first, rest @ ..] = pair {
            let (a, b) = halves(u128::from_le_bytes(*first));
            even = folded(a ^ key[0] ^ even, b ^ key[1]).wrapping_add(even.rotate_left(23));
            if let [second] = rest {
                let (a, b) = halves(u128::from_le_bytes(*second));
                odd = folded(a ^ key[1] ^ odd, b ^ key[0]).wrapping_add(odd.rotate_left(29));
            }
        }
    }
    mix(even ^ odd.rotate_left(32))
}

#[expect(clippy::cast_possible_truncation, reason = "the other half goes beside")]
const fn halves(figure: u128) -> (u64, u64) {
    (figure as u64, (figure >> 64) as u64)
}

#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u64,
    identity: u64,
    /// When it was last remembered; `Tick(0)`: never.
    at: Tick,
}

/// One place for [`PrefixTable::WAYS`] figures.
type Set = [Slot; PrefixTable::WAYS];

/// See the module. Shared by all requests; a look-up takes one of many locks for some nanoseconds.
pub struct PrefixTable {
    key: [u64; 2],
    shards: Box<[Mutex<Box<[Set]>>]>,
}

impl std::fmt::Debug for PrefixTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrefixTable").field("shards", &self.shards.len()).finish_non_exhaustive()
    }
}

impl PrefixTable {
    /// As many as suit a proxy: 1.5 MiB.
    pub const SLOTS: usize = 1 << 16;
    /// Providers cache from about a thousand tokens on, in steps of a hundred or more.
    pub const BLOCK_BYTES: usize = 1024;
    /// What lies behind 64 KiB tells prompts apart that have very much in common already.
    pub const BLOCKS: usize = 64;
    /// Providers keep a beginning for five to ten minutes from its last use.
    pub const WARM_FOR: Duration = Duration::from_mins(10);
    const WAYS: usize = 8;
    const SHARDS: usize = 64;

    /// A table of so many places, in whole sets. `key`: by chance, once for a process.
    pub fn new(key: [u64; 2], slots: usize) -> Self {
        let sets = slots.div_ceil(Self::WAYS * Self::SHARDS).max(1);
        let shard = || Mutex::new(vec![[Slot::default(); Self::WAYS]; sets].into_boxed_slice());
        Self { key, shards: std::iter::repeat_with(shard).take(Self::SHARDS).collect() }
    }

    /// The beginnings of a prompt; only the first [`Self::BLOCKS`] blocks are looked at.
    pub fn prefixes(&self, prompt: &[u8]) -> Prefixes {
        Prefixes::of(self.key, prompt)
    }

    /// The deployment that last had the longest of these beginnings that is known.
    pub fn warm(&self, prefixes: &Prefixes, now: Tick) -> Option<u64> {
        prefixes.hashes().iter().rev().find_map(|hash| self.find(*hash, now))
    }

    /// A deployment had a prompt of these beginnings.
    pub fn remember(&self, prefixes: &Prefixes, identity: u64, now: Tick) {
        for hash in prefixes.hashes() {
            self.with_set(*hash, |set| {
                let is_same = |slot: &Slot| slot.hash == *hash && slot.at > Tick(0);
                let place = set.iter().position(is_same).or_else(|| {
                    let oldest = set.iter().enumerate().min_by_key(|(_, slot)| slot.at);
                    oldest.map(|(index, _)| index)
                });
                if let Some(slot) = place.and_then(|place| set.get_mut(place)) {
                    *slot = Slot { hash: *hash, identity, at: now.max(Tick(1)) };
                }
            });
        }
    }

    fn find(&self, hash: u64, now: Tick) -> Option<u64> {
        self.with_set(hash, |set| {
            let is_warm = |slot: &&Slot| slot.hash == hash && slot.at > Tick(0) && now.since(slot.at) < Self::WARM_FOR;
            set.iter().find(is_warm).map(|slot| slot.identity)
        })
        .flatten()
    }

    fn with_set<T>(&self, hash: u64, work: impl FnOnce(&mut Set) -> T) -> Option<T> {
        let shard = usize::try_from(hash >> 58).ok()?;
        let mut sets = self.shards.get(shard)?.lock();
        let count = u64::try_from(sets.len()).ok()?;
        let set = usize::try_from(hash.checked_rem(count)?).ok()?;
        sets.get_mut(set).map(work)
    }

    /// How many places there are.
    pub fn slots(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len() * Self::WAYS).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Tick = Tick(1_000_000);

    fn table(slots: usize) -> PrefixTable {
        PrefixTable::new([11, 12], slots)
    }

    /// A prompt of so many blocks, the first `shared` of which are the same for all variants.
    fn prompt(shared: usize, blocks: usize, variant: u8) -> Vec<u8> {
        let of = |block: usize| vec![if block < shared { 0 } else { variant }; PrefixTable::BLOCK_BYTES];
        (0..blocks).flat_map(of).collect()
    }

    #[test]
    fn the_longest_known_beginning_wins() {
        let table = table(1024);
        let remember = |prompt: &[u8], identity| table.remember(&table.prefixes(prompt), identity, NOW);
        let warm = |prompt: &[u8]| table.warm(&table.prefixes(prompt), NOW);
        remember(&prompt(8, 8, 0), 1);
        remember(&prompt(3, 6, 1), 2);
        assert_eq!(warm(&prompt(8, 12, 9)), Some(1));
        assert_eq!(warm(&prompt(3, 6, 1)), Some(2));
        // Only the shared blocks are known; the last to have them was the second.
        assert_eq!(warm(&prompt(2, 6, 7)), Some(2));
        assert_eq!(warm(&prompt(0, 6, 7)), None);
    }

    #[test]
    fn a_block_stands_for_all_before_it() {
        let table = table(1024);
        let mut one = prompt(0, 4, 5);
        table.remember(&table.prefixes(&one), 1, NOW);
        one[0] ^= 1;
        assert_eq!(table.warm(&table.prefixes(&one), NOW), None);
    }

    #[test]
    fn every_byte_counts() {
        let of = |block: &[u8]| hash_block([3, 4], 5, block);
        let zeros = [0_u8; PrefixTable::BLOCK_BYTES];
        let mut seen = std::collections::HashSet::from([of(&zeros)]);
        for byte in 0..PrefixTable::BLOCK_BYTES {
            for value in [1_u8, 0x80, 0xff] {
                let mut block = zeros;
                block[byte] = value;
                assert!(seen.insert(of(&block)), "{byte} {value}");
            }
        }
    }

    #[test]
    fn what_is_short_has_no_beginning() {
        let table = table(1024);
        assert!(table.prefixes(&[1; PrefixTable::BLOCK_BYTES - 1]).is_empty());
        table.remember(&table.prefixes(b"short"), 1, NOW);
        assert_eq!(table.warm(&table.prefixes(b"short"), NOW), None);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes() {
        let table = table(512);
        assert_eq!(table.slots(), 512);
        for variant in 0..4000_u64 {
            let block: Vec<u8> = variant.to_le_bytes().into_iter().cycle().take(PrefixTable::BLOCK_BYTES).collect();
            table.remember(&table.prefixes(&block), variant, Tick(1 + variant));
        }
        assert_eq!(table.slots(), 512);
        let known = |variant: u64| {
            let block: Vec<u8> = variant.to_le_bytes().into_iter().cycle().take(PrefixTable::BLOCK_BYTES).collect();
            table.warm(&table.prefixes(&block), Tick(4000)) == Some(variant)
        };
        assert!((0..1000).filter(|variant| known(*variant)).count() == 0);
        assert!((3900..4000).filter(|variant| known(*variant)).count() > 90);
        assert!((0..4000).filter(|variant| known(*variant)).count() <= 512);
    }

    #[test]
    fn a_cache_cools_down_unless_it_is_used() {
        let table = table(512);
        let prefixes = table.prefixes(&prompt(2, 2, 0));
        table.remember(&prefixes, 1, NOW);
        let after = |minutes| NOW.after(Duration::from_mins(minutes));
        assert_eq!(table.warm(&prefixes, after(9)), Some(1));
        table.remember(&prefixes, 1, after(9));
        assert_eq!(table.warm(&prefixes, after(18)), Some(1));
        assert_eq!(table.warm(&prefixes, after(19)), None);
    }

    #[test]
    fn another_process_has_other_figures() {
        let long = prompt(4, 4, 0);
        let (one, other) = (Prefixes::of([1, 2], &long), Prefixes::of([2, 1], &long));
        assert!(one.hashes().iter().all(|hash| !other.hashes().contains(hash)));
    }
}
