//! What a destination holds, by the word of its files. Pure: footers are read elsewhere.

use std::collections::BTreeMap;

use super::footer::{Footer, FooterError};
use crate::calendar::Partition;

/// The data files of a destination, as their footers describe them.
#[derive(Debug, Default)]
pub struct Coverage {
    files: BTreeMap<(&'static str, Partition), Standing>,
}

/// What stands in the place of a data file.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    Ours(Box<Footer>),
    /// Something that this version did not write, or cannot judge. It is never replaced unasked.
    Strange(FooterError),
    /// Not readable as Parquet. A commit is atomic, so this is not a run's doing.
    Damaged(String),
}

impl Coverage {
    pub fn insert(&mut self, dataset: &'static str, partition: Partition, standing: Standing) {
        self.files.insert((dataset, partition), standing);
    }

    pub fn get(&self, dataset: &'static str, partition: Partition) -> Option<&Standing> {
        self.files.get(&(dataset, partition))
    }

    /// The footer of a file of ours.
    pub fn footer(&self, dataset: &'static str, partition: Partition) -> Option<&Footer> {
        match self.get(dataset, partition) {
            Some(Standing::Ours(footer)) => Some(footer),
            Some(Standing::Strange(_) | Standing::Damaged(_)) | None => None,
        }
    }

    /// All files, by dataset and partition.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Partition, &Standing)> {
        self.files.iter().map(|((dataset, partition), standing)| (*dataset, *partition, standing))
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
