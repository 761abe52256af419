//! The sorted text and the search in it.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use super::ModelInfo;

/// Lines sorted by `provider/model` as bytes, after one header line.
pub(super) struct Table {
    text: &'static str,
    /// Entries asked for so far, by the offset of their line. They live for ever, so each is parsed once at most; there are
    /// never more of them than lines.
    parsed: RwLock<BTreeMap<usize, &'static ModelInfo>>,
}

impl Table {
    pub(super) const fn new(text: &'static str) -> Self {
        Self { text, parsed: RwLock::new(BTreeMap::new()) }
    }

    /// The first word of the header.
    pub(super) fn version(&self) -> &'static str {
        let header = self.text.lines().next().unwrap_or_default();
        header.trim_start_matches("# ").split('\t').next().unwrap_or_default()
    }

    pub(super) fn lookup(&self, provider: &str, model: &str) -> Option<&'static ModelInfo> {
        let wanted = || provider.bytes().chain([b'/']).chain(model.bytes());
        let offset = self.first_line_where(|name| name.bytes().cmp(wanted()) != Ordering::Less);
        let found = name_of(self.line_at(offset)).bytes().eq(wanted());
        if found { self.entry_at(offset) } else { None }
    }

    /// The provider's entries in order; those of one provider stand together because they share the start of their names.
    pub(super) fn of_provider(&self, provider: &str) -> impl Iterator<Item = &'static ModelInfo> {
        let prefix = format!("{provider}/");
        let mut offset = self.first_line_where(|name| name >= prefix.as_str());
        std::iter::from_fn(move || {
            let line = self.line_at(offset);
            if !line.starts_with(&prefix) {
                return None;
            }
            let entry = self.entry_at(offset);
            offset += line.len() + 1;
            entry
        })
    }

    /// Offset of the first line after the header for whose name `reached` holds, or the end of the text. `reached` must be
    /// false for a start of the lines and true for the rest.
    fn first_line_where(&self, reached: impl Fn(&str) -> bool) -> usize {
        let (mut low, mut high) = (self.after_line(0), self.text.len());
        // `low` and `high` are always starts of lines (or the end): what lies before `low` is not reached, `high` is.
        while low < high {
            let middle = self.line_start(low + (high - low) / 2);
            if reached(name_of(self.line_at(middle))) {
                high = middle;
            } else {
                low = self.after_line(middle);
            }
        }
        low
    }

    /// Works on bytes: an offset in the middle of the text may fall inside a character.
    fn line_start(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
    }

    fn line_at(&self, offset: usize) -> &'static str {
        self.text.get(offset..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    fn after_line(&self, offset: usize) -> usize {
        (offset + self.line_at(offset).len() + 1).min(self.text.len())
    }

    fn entry_at(&self, offset: usize) -> Option<&'static ModelInfo> {
        // Each write leaves the map whole, so a poisoned lock is as good as any.
        if let Some(known) = self.parsed.read().unwrap_or_else(PoisonError::into_inner).get(&offset) {
            return Some(known);
        }
        let mut parsed = self.parsed.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = parsed.get(&offset) {
            return Some(known);
        }
        let entry: &'static ModelInfo = Box::leak(Box::new(ModelInfo::parse(self.line_at(offset))?));
        parsed.insert(offset, entry);
        Some(entry)
    }
}

fn name_of(line: &str) -> &str {
    line.split('\t').next().unwrap_or_default()
}
