//! Pseudonyms in place of personal data, on the way from records to rows.
//!
//! There is one place where that happens for all datasets: [`Rows`](super::Rows), when the text of a
//! column that is marked with [`Personal`] is pushed. What a column of e-mail addresses, phone numbers or names
//! holds is replaced whole. In text that may speak of people, these are replaced:
//!
//! * whatever has the shape of an e-mail address or of a phone number;
//! * names, addresses and numbers of the people known: the call's participants and the company's users. Of
//!   names also single words, where they begin with a capital letter or stand in a link. A sentence that
//!   begins with "Will" loses that word where somebody is called so, which is the safe side to err on.
//!
//! Somebody who is only talked about and is no participant and no user cannot be recognised. JSON is
//! rewritten string by string, so that escapes hide nothing; there the values of keys such as `name` and `phone`
//! are replaced whole.
//!
//! A kind of data that the job does not name is left alone. Pure: the key is handed in.

mod json;
mod people;
mod pseudonym;
mod shape;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::Personal;
use crate::gong::model::{Call, User};
pub use people::People;
pub use pseudonym::{Kinds, Pseudonyms, digest};

/// How a run treats personal data: what is replaced, and who is known by name in all its records.
pub struct Privacy {
    pseudonyms: Pseudonyms,
    company: People,
}

impl Privacy {
    /// `users` are the company's.
    pub fn new<'a>(pseudonyms: Pseudonyms, users: impl IntoIterator<Item = &'a User<'a>>) -> Self {
        let company = People::of_company(pseudonyms.kinds(), users);
        Self { pseudonyms, company }
    }

    /// The participants of a call, as far as they are not known already.
    pub fn people_of(&self, call: &Call<'_>) -> People {
        People::of_call(self.pseudonyms.kinds(), call, &self.company)
    }
}

/// Without names and key.
impl fmt::Debug for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Privacy").field("pseudonyms", &self.pseudonyms).finish_non_exhaustive()
    }
}

/// Pseudonyms that are remembered, at most: those of the people of some thousand calls.
const REMEMBERED_MAX: usize = 8_192;

/// Replaces the values of one dataset's personal columns.
#[derive(Debug)]
pub(super) struct Redactor {
    privacy: Arc<Privacy>,
    /// Who takes part in the call that the rows are made of.
    people: Option<Arc<People>>,
    remembered: Remembered,
}

/// Pseudonyms by kind and original: a speaker's name comes with every sentence.
#[derive(Default)]
struct Remembered([HashMap<String, String>; 4]);

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(HashMap::len)).finish()
    }
}

/// What a pseudonym stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Email,
    Phone,
    Name,
    /// The first half of an e-mail address, which in links stands alone.
    Handle,
}

impl Redactor {
    pub(super) fn new(privacy: Arc<Privacy>) -> Self {
        Self { privacy, people: None, remembered: Remembered::default() }
    }

    pub(super) fn concerning(&mut self, people: Option<Arc<People>>) {
        self.people = people;
    }

    /// What to write instead of a column's value; `None` to write it as it is.
    pub(super) fn replace(&mut self, column: Personal, value: &str) -> Option<String> {
        let kinds = self.privacy.pseudonyms.kinds();
        // What Gong sent as empty stays empty.
        if value.trim().is_empty() {
            return None;
        }
        match column {
            Personal::Email => kinds.email.then(|| self.pseudonym(Kind::Email, value)),
            Personal::Phone => kinds.phone.then(|| self.pseudonym(Kind::Phone, value)),
            Personal::Name if kinds.name => Some(self.pseudonym(Kind::Name, value)),
            Personal::EmailDomain => {
                let is_replaced = kinds.email && !self.privacy.pseudonyms.keeps_email_domains();
                is_replaced.then(|| self.privacy.pseudonyms.domain(value))
            }
            // Gong names people by their addresses where it knows nothing else.
            Personal::Name | Personal::Text => self.replace_in(value),
        }
    }

    fn replace_in(&mut self, value: &str) -> Option<String> {
        if value.trim_start().starts_with(['{', '[', '"']) && serde_json::from_str::<IgnoredAny>(value).is_ok() {
            return json::rewrite(value, |place, text| self.replace_in_json(place, text));
        }
        self.replace_in_text(value)
    }

    fn replace_in_json(&mut self, place: json::Place, text: &str) -> Option<String> {
        let kinds = self.privacy.pseudonyms.kinds();
        match place {
            _ if text.trim().is_empty() => None,
            json::Place::Name if kinds.name => Some(self.pseudonym(Kind::Name, text)),
            json::Place::Phone if kinds.phone && shape::may_be_phone(text) => Some(self.pseudonym(Kind::Phone, text)),
            json::Place::Number => None,
            json::Place::Name | json::Place::Phone | json::Place::Free => self.replace_in_text(text),
        }
    }

    fn replace_in_text(&mut self, text: &str) -> Option<String> {
        let privacy = Arc::clone(&self.privacy);
        let people = self.people.clone();
        let known = [Some(&privacy.company), people.as_deref()];
        text::rewrite(text, privacy.pseudonyms.kinds(), &known, |kind, original| self.pseudonym(kind, original))
    }

    fn pseudonym(&mut self, kind: Kind, original: &str) -> String {
        let remembered = &mut self.remembered.0[kind as usize];
        if let Some(pseudonym) = remembered.get(original) {
            return pseudonym.clone();
        }
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        let pseudonyms = &self.privacy.pseudonyms;
        let pseudonym = match kind {
            Kind::Email => pseudonyms.email(original),
            Kind::Phone => pseudonyms.phone(original),
            Kind::Name => pseudonyms.name(original),
            Kind::Handle => pseudonyms.handle(original),
        };
        remembered.insert(original.to_owned(), pseudonym.clone());
        pseudonym
    }
}
