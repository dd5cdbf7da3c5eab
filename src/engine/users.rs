//! The list of users: fetched once a run, for the snapshot and to find the users that a job names.

use chrono::{DateTime, Utc};

use super::selection::Directory;
use super::{Participant, UnknownUser, pages};
use crate::dataset::privacy::{Privacy, Pseudonyms};
use crate::gong::endpoint::Request;
use crate::gong::model::{Drift, User};
use crate::gong::{self, Client, Page};

/// All users of the company, as Gong sent them.
#[derive(Debug)]
pub struct UserList {
    pages: Vec<Page>,
    as_of: DateTime<Utc>,
}

impl UserList {
    /// Fetches the list. `as_of` is the instant at which that begins.
    pub async fn fetch(client: &Client, as_of: DateTime<Utc>) -> Result<Self, gong::Error> {
        Ok(Self { pages: pages::all(client, &Request::users()).await?, as_of })
    }

    /// The pages, and when their listing began.
    pub(super) fn into_pages(self) -> (DateTime<Utc>, Vec<Page>) {
        (self.as_of, self.pages)
    }

    /// The users meant by `values`, ids or e-mail addresses (aliases too), or all values that mean
    /// nobody.
    pub fn resolve<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> Result<Vec<Participant>, Vec<UnknownUser>> {
        let mut directory = Directory::default();
        for user in &self.users() {
            directory.add(user);
        }
        directory.resolve(values)
    }

    /// What makes pseudonyms, knowing all users by name.
    pub fn privacy(&self, pseudonyms: Pseudonyms) -> Privacy {
        Privacy::new(pseudonyms, &self.users())
    }

    /// Those that can be decoded. What the records hold beyond the names is noted when they become rows.
    fn users(&self) -> Vec<User<'_>> {
        let records = self.pages.iter().flat_map(Page::records);
        records.filter_map(|raw| User::decode(raw, &mut Drift::default()).ok()).collect()
    }
}
