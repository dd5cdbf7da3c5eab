//! Folders of calls worth listening to.

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use super::head::Head;
use crate::sim::rng::{Rng, Stream};

#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) name: &'static str,
    /// Place in [`FOLDERS`].
    pub(crate) parent: Option<u32>,
    pub(crate) workspace: u32,
    calls: u32,
}

const fn folder(name: &'static str, parent: Option<u32>, workspace: u32, calls: u32) -> Folder {
    Folder { name, parent, workspace, calls }
}

pub(crate) const FOLDERS: [Folder; 6] = [
    folder("Best of the month", None, 0, 9),
    folder("Onboarding", None, 0, 5),
    folder("Objections", Some(1), 0, 6),
    folder("Price talks", Some(1), 0, 4),
    folder("To be sorted", None, 0, 0),
    folder("Partners", None, 1, 3),
];

/// A call in a folder.
#[derive(Debug)]
pub(crate) struct Shelved {
    pub(crate) head: Head,
    pub(crate) note: Option<&'static str>,
    pub(crate) added_by: u32,
    pub(crate) added: DateTime<Utc>,
    /// Seconds from and to, when only a part of the call is meant.
    pub(crate) snippet: Option<(u32, u32)>,
}

impl World {
    /// What is in a folder at `now`: calls of the first three months that are still there, some of them
    /// made private since.
    pub(crate) fn shelf(&self, folder: u32, now: DateTime<Utc>) -> Vec<Shelved> {
        let mut shelved: Vec<Shelved> = Vec::new();
        let wanted = FOLDERS.get(folder as usize).map_or(0, |f| f.calls);
        for place in 0..wanted {
            let mut rng = Rng::new(self.config.seed, Stream::Library, &[u64::from(folder), u64::from(place)]);
            let heads = self.heads(self.first_day + rng.below(90) as u32);
            let at = rng.index(heads.len());
            let Some(head) = heads.get(at).filter(|head| head.is_visible(now)) else { continue };
            let start = rng.below(u64::from(head.duration / 2)) as u32;
            let has_snippet = rng.chance(0.5);
            let has_note = rng.chance(0.5);
            let added = head.started()
                + TimeDelta::seconds(i64::from(head.visible_after))
                + TimeDelta::hours(rng.between(1, 90));
            let is_known = shelved.iter().any(|other| other.head.position() == head.position());
            if added <= now && !is_known {
                shelved.push(Shelved {
                    head: *head,
                    note: has_note.then_some("Listen from the price on."),
                    added_by: self.staff.user(head.host).manager.unwrap_or(0),
                    added,
                    snippet: has_snippet.then_some((start, start + 30)),
                });
            }
        }
        shelved
    }
}
