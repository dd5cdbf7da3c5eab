//! What decoding met that the models do not know. Counted by the decoders, told by the summary.

use std::collections::BTreeMap;

/// Distinct paths kept in each map. An answer keyed by ids would otherwise grow without bound.
const PATHS_MAX: usize = 500;
/// Characters of a path kept. Names are Gong's to choose, so they may be of any length.
const PATH_CHARS_MAX: usize = 200;
/// What the paths beyond [`PATHS_MAX`] are counted as.
const OTHERS: &str = "(others)";

/// How the answers differed from what the models expect; merged over a run.
///
/// Paths start with the name of the answer's list and leave positions out:
/// `calls.metaData.newField`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Path to number of records' fields that no model knows. Of a name sent twice in one object the
    /// last is read, the others count here.
    pub unknown_fields: BTreeMap<String, u64>,
    /// Path to number of values that were not of the documented type.
    pub unexpected_types: BTreeMap<String, u64>,
    /// Halves of surrogate pairs that became U+FFFD, since no UTF-8 can hold them.
    pub replaced_characters: u64,
}

impl Drift {
    pub fn is_empty(&self) -> bool {
        self.unknown_fields.is_empty() && self.unexpected_types.is_empty() && self.replaced_characters == 0
    }

    pub fn merge(&mut self, other: Self) {
        for (path, count) in other.unknown_fields {
            add(&mut self.unknown_fields, path, count);
        }
        for (path, count) in other.unexpected_types {
            add(&mut self.unexpected_types, path, count);
        }
        self.replaced_characters += other.replaced_characters;
    }

    pub(super) fn unknown_field(&mut self, path: &str) {
        add(&mut self.unknown_fields, printable(path), 1);
    }

    /// Counts a value that is not what the documents promise.
    pub fn unexpected_type(&mut self, path: &str) {
        add(&mut self.unexpected_types, printable(path), 1);
    }
}

fn add(counts: &mut BTreeMap<String, u64>, path: String, count: u64) {
    if counts.len() < PATHS_MAX || counts.contains_key(&path) {
        *counts.entry(path).or_default() += count;
    } else {
        *counts.entry(OTHERS.to_owned()).or_default() += count;
    }
}

/// Paths end up in logs and on terminals, and the names in them are outside data.
fn printable(path: &str) -> String {
    path.chars().take(PATH_CHARS_MAX).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_adds_counts() {
        let mut all = Drift::default();
        for _ in 0..2 {
            let mut one = Drift { replaced_characters: 3, ..Drift::default() };
            one.unknown_field("calls.a");
            one.unexpected_type("calls.b");
            all.merge(one);
        }
        assert_eq!(all.unknown_fields, BTreeMap::from([("calls.a".to_owned(), 2)]));
        assert_eq!(all.unexpected_types, BTreeMap::from([("calls.b".to_owned(), 2)]));
        assert_eq!(all.replaced_characters, 6);
        assert!(!all.is_empty());
    }

    #[test]
    fn paths_are_bounded_in_number_and_length_and_fit_a_terminal() {
        let mut drift = Drift::default();
        for n in 0..2 * PATHS_MAX {
            drift.unknown_field(&format!("calls.{n}"));
        }
        assert_eq!(drift.unknown_fields.len(), PATHS_MAX + 1);
        assert_eq!(drift.unknown_fields[OTHERS], PATHS_MAX as u64);
        assert_eq!(drift.unknown_fields.values().sum::<u64>(), 2 * PATHS_MAX as u64);

        drift.unexpected_type(&format!("\u{1b}[31m{}", "é".repeat(1000)));
        let path = drift.unexpected_types.keys().next().unwrap();
        assert_eq!(path.chars().count(), PATH_CHARS_MAX);
        assert!(path.starts_with("\u{fffd}[31mé"));
    }
}
