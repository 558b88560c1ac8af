//! Label sets that entries end with, each once.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::labels::LabelSpace;
use super::runes;
use crate::labels::Labels;

/// A label set by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelSetId(pub u32);

/// Label sets that were met.
#[derive(Clone, Default)]
pub struct LabelSets {
    hasher: DefaultHashBuilder,
    /// Names and values in the order of the names, with their lengths.
    keys: Vec<Box<[u8]>>,
    sets: Vec<Labels>,
    by_key: HashTable<u32>,
    key: Vec<u8>,
}

impl LabelSets {
    pub fn get(&self, id: LabelSetId) -> &Labels {
        &self.sets[id.0 as usize]
    }

    pub fn len(&self) -> usize {
        self.sets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The number of a label set whose pairs come in any order.
    pub(super) fn intern(&mut self, pairs: &mut [(&[u8], &[u8])]) -> LabelSetId {
        pairs.sort_unstable();
        self.key.clear();
        for (name, value) in pairs.iter() {
            for text in [name, value] {
                self.key.extend_from_slice(&(text.len() as u32).to_ne_bytes());
                self.key.extend_from_slice(text);
            }
        }
        let hash = self.hasher.hash_one(&self.key[..]);
        if let Some(at) = self.by_key.find(hash, |at| *self.keys[*at as usize] == self.key[..]) {
            return LabelSetId(*at);
        }
        let at = self.sets.len() as u32;
        self.keys.push(self.key[..].into());
        self.sets.push(readable(pairs));
        let (hasher, keys) = (&self.hasher, &self.keys);
        self.by_key.insert_unique(hash, at, |at| hasher.hash_one(&keys[*at as usize][..]));
        LabelSetId(at)
    }
}

/// Pairs as labels; what is no UTF-8 is replaced.
fn readable(pairs: &[(&[u8], &[u8])]) -> Labels {
    Labels::keeping_empty(pairs.iter().map(|(name, value)| (runes::readable(name), runes::readable(value))))
}

/// All labels of an entry.
pub(super) fn labels_of(space: &LabelSpace) -> Labels {
    if space.is_unchanged() {
        return space.stream_labels().clone();
    }
    let mut pairs = Vec::new();
    space.for_each(|name, value| pairs.push((name, value)));
    readable(&pairs)
}
