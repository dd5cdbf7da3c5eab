//! Which calls a job exports: by host, by participant, by workspace, private ones or not.

use std::collections::{BTreeMap, BTreeSet};

use crate::gong::Page;
use crate::gong::model::{Party, User};

/// The choice, with users resolved to what the API and the records call them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// User ids of hosts; empty means any.
    pub hosts: Vec<String>,
    /// Any of them takes part; empty means anybody.
    pub participants: Vec<Participant>,
    pub workspace: Option<String>,
    pub include_private: bool,
}

/// A user as a party of a call may show him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    pub user_id: String,
    /// Lower case, aliases included.
    pub emails: BTreeSet<String>,
}

/// A user named in the job that Gong does not know: its place in the list handed in, and the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownUser {
    pub index: usize,
    pub value: String,
}

impl Selection {
    /// What part of the calls on a page is exported: a sample, by which a plan expects the rest.
    pub fn share_of(&self, page: &Page) -> f64 {
        super::call_listing::share_exported(self, page)
    }

    pub(super) fn excludes_private(&self) -> bool {
        !self.include_private
    }

    /// Whether a party is one of the participants asked for: by user id where the party has one,
    /// else by e-mail address, since internal people are not always linked to their user.
    pub(super) fn is_participant(&self, party: &Party<'_>) -> bool {
        self.participants.iter().any(|participant| match party.user_id.as_deref() {
            Some(id) => id == participant.user_id,
            None => {
                party.email_address.as_deref().is_some_and(|email| participant.emails.contains(&email.to_lowercase()))
            }
        })
    }
}

/// Finds users by id or by any of their e-mail addresses.
#[derive(Debug, Default)]
pub(super) struct Directory {
    by_name: BTreeMap<String, usize>,
    users: Vec<Participant>,
}

impl Directory {
    pub(super) fn add(&mut self, user: &User<'_>) {
        // Aliases that are not a list of texts name nobody.
        let aliases: Vec<String> =
            user.email_aliases_json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let emails: BTreeSet<String> = user
            .email_address
            .iter()
            .map(|email| email.to_lowercase())
            .chain(aliases.iter().map(|alias| alias.to_lowercase()))
            .collect();
        let index = self.users.len();
        self.by_name.insert(user.id.clone().into_owned(), index);
        for email in &emails {
            self.by_name.entry(email.clone()).or_insert(index);
        }
        self.users.push(Participant { user_id: user.id.clone().into_owned(), emails });
    }

    /// The users meant by `values` (ids or e-mail addresses), or all values that mean nobody.
    pub(super) fn resolve<'a>(
        &self,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Participant>, Vec<UnknownUser>> {
        let mut found = Vec::new();
        let mut unknown = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            match self.by_name.get(&value.trim().to_lowercase()).and_then(|place| self.users.get(*place)) {
                Some(user) => found.push(user.clone()),
                None => unknown.push(UnknownUser { index, value: value.to_owned() }),
            }
        }
        if unknown.is_empty() { Ok(found) } else { Err(unknown) }
    }
}
