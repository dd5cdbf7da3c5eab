//! Which calls a job exports: by host, by participant, by workspace, private ones or not, and none of
//! those that it excludes by title, address or user.

use std::collections::{BTreeMap, BTreeSet};

use regex::{RegexSet, RegexSetBuilder};

use crate::gong::Page;
use crate::gong::model::{Call, CallHead, Drift, Party, User};

/// The choice, with users resolved to what the API and the records call them.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// User ids of hosts; empty means any.
    pub hosts: Vec<String>,
    /// Any of them takes part; empty means anybody.
    pub participants: Vec<Participant>,
    pub workspace: Option<String>,
    pub include_private: bool,
    pub exclusion: Exclusion,
}

/// Calls that are left out, each with all that belongs to it, and users.
#[derive(Debug, Clone, Default)]
pub struct Exclusion {
    pub titles: TitlePatterns,
    /// In lower case; those below them are meant, too.
    pub email_domains: BTreeSet<String>,
    pub users: Vec<Participant>,
}

/// Patterns that are looked for anywhere in a title, without regard to case: `*` is any text, `?` one
/// character. Too many calls left out can be fetched again, one too few cannot be taken back.
#[derive(Debug, Clone)]
pub struct TitlePatterns(RegexSet);

/// Why a call is not exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// Marked as private in Gong.
    Private,
    /// By `privacy.exclude`.
    Excluded,
    /// Nobody of the participants asked for takes part.
    Filtered,
}

impl Default for TitlePatterns {
    fn default() -> Self {
        Self(RegexSet::empty())
    }
}

impl TitlePatterns {
    /// # Errors
    ///
    /// When there are so many patterns that they need megabytes.
    pub fn new(patterns: &[String]) -> Result<Self, regex::Error> {
        let regexes = patterns.iter().map(|pattern| {
            let translate = |c: char| match c {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                c => regex::escape(c.encode_utf8(&mut [0; 4])),
            };
            pattern.chars().map(translate).collect::<String>()
        });
        RegexSetBuilder::new(regexes).case_insensitive(true).dot_matches_new_line(true).build().map(Self)
    }

    fn is_match(&self, title: &str) -> bool {
        self.0.is_match(title)
    }
}

impl Exclusion {
    fn is_empty(&self) -> bool {
        self.titles.0.is_empty() && self.email_domains.is_empty() && self.users.is_empty()
    }

    /// A call without a list of parties is judged by its title and host alone.
    fn excludes(&self, call: &Call<'_>) -> bool {
        let is_host = |user: &Participant| call.meta.primary_user_id.as_deref() == Some(&user.user_id);
        call.meta.title.as_deref().is_some_and(|title| self.titles.is_match(title))
            || self.users.iter().any(is_host)
            || call.parties.iter().flatten().any(|party| self.excludes_party(party))
    }

    fn excludes_party(&self, party: &Party<'_>) -> bool {
        let email = party.email_address.as_deref().map(|email| email.trim().to_lowercase());
        let is_user = |user: &Participant| {
            party.user_id.as_deref() == Some(&user.user_id)
                || email.as_deref().is_some_and(|email| user.emails.contains(email))
        };
        let domain = email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
        domain.is_some_and(|domain| self.has_domain(domain)) || self.users.iter().any(is_user)
    }

    fn has_domain(&self, domain: &str) -> bool {
        let parents = domain.match_indices('.').map(|(dot, _)| &domain[dot + 1..]);
        std::iter::once(domain).chain(parents).any(|domain| self.email_domains.contains(domain))
    }
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
    /// What part of the calls on a page is exported, all of an empty page: a sample, by which a plan
    /// expects the rest.
    pub fn share_of(&self, page: &Page) -> f64 {
        let is_exported = |raw: &&str| CallHead::decode(raw).is_ok_and(|head| self.leaves_out(&head, raw).is_none());
        if page.is_empty() {
            return 1.0;
        }
        page.records().filter(is_exported).count() as f64 / page.len() as f64
    }

    /// Whether who takes part in a call decides, so that its parties have to be asked for.
    pub fn needs_parties(&self) -> bool {
        !self.participants.is_empty() || !self.exclusion.email_domains.is_empty() || !self.exclusion.users.is_empty()
    }

    /// Whether there may be calls that nothing may be told about.
    pub fn hides_calls(&self) -> bool {
        !self.include_private || !self.exclusion.is_empty()
    }

    /// Why a call is not exported; `None` when it is. `raw` is the record that `head` was read from, with
    /// its parties if [`Selection::needs_parties`].
    pub(super) fn leaves_out(&self, head: &CallHead, raw: &str) -> Option<LeftOut> {
        if head.is_private && !self.include_private {
            return Some(LeftOut::Private);
        }
        if self.exclusion.is_empty() && self.participants.is_empty() {
            return None;
        }
        // A call that cannot be decoded is kept, so that it is rejected with its reason where calls are
        // decoded. What the look at the others meets is noted there, too.
        let call = Call::decode(raw, &mut Drift::default()).ok()?;
        if self.exclusion.excludes(&call) {
            return Some(LeftOut::Excluded);
        }
        let takes_part = |party: &Party<'_>| self.is_participant(party);
        let is_filtered = !self.participants.is_empty() && !call.parties.iter().flatten().any(takes_part);
        is_filtered.then_some(LeftOut::Filtered)
    }

    /// Whether a user's own rows are left out.
    pub(super) fn excludes_user(&self, user_id: &str) -> bool {
        self.exclusion.users.iter().any(|user| user.user_id == user_id)
    }

    /// Whether a party is one of the participants asked for: by user id where the party has one,
    /// else by e-mail address, since internal people are not always linked to their user.
    fn is_participant(&self, party: &Party<'_>) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn exclusion(titles: &[&str], domains: &[&str], users: &[(&str, &str)]) -> Selection {
        let patterns: Vec<_> = titles.iter().map(|title| (*title).to_owned()).collect();
        let user = |(id, email): &(&str, &str)| Participant {
            user_id: (*id).to_owned(),
            emails: BTreeSet::from([(*email).to_owned()]),
        };
        let exclusion = Exclusion {
            titles: TitlePatterns::new(&patterns).unwrap(),
            email_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            users: users.iter().map(user).collect(),
        };
        Selection { exclusion, ..Selection::default() }
    }

    fn left_out(selection: &Selection, meta: &Value, parties: &Value) -> Option<LeftOut> {
        let mut record = json!({ "metaData": meta, "parties": parties });
        record["metaData"]["id"] = json!("1");
        record["metaData"]["started"] = json!("2026-03-02T10:00:00Z");
        let raw = record.to_string();
        selection.leaves_out(&CallHead::decode(&raw).unwrap(), &raw)
    }

    #[test]
    fn titles_hold_a_pattern_anywhere_in_any_case() {
        let matches = |pattern: &str, title: &str| {
            left_out(&exclusion(&[pattern], &[], &[]), &json!({ "title": title }), &Value::Null)
                == Some(LeftOut::Excluded)
        };
        assert!(matches("interview", "Job INTERVIEW: Zoë"));
        assert!(matches("ZOË", "Interview with zoë"));
        assert!(matches("1?1 with *", "Weekly 1:1 with Zoë") && matches("1?1 with *", "1-1 with \n"));
        assert!(matches("a*z", "xx a\nb z") && !matches("a*z", "z a"));
        // What means something to regular expressions means itself.
        assert!(matches("(a+b).", "x (a+b).") && !matches("(a+b).", "x aab!"));
        assert!(!matches("interview", "Review") && !matches("1?1", "11"));
        assert_eq!(left_out(&exclusion(&["x"], &[], &[]), &json!({}), &Value::Null), None, "a call without title");
    }

    #[test]
    fn domains_hold_all_below_them() {
        let of = |domain: &str, address: &str| {
            let parties = json!([null, { "name": "x" }, { "emailAddress": address }]);
            left_out(&exclusion(&[], &[domain], &[]), &json!({}), &parties).is_some()
        };
        assert!(of("lawyers.example", "ada@lawyers.example") && of("lawyers.example", " Ada@MAIL.Lawyers.Example "));
        assert!(!of("lawyers.example", "ada@notlawyers.example") && !of("mail.lawyers.example", "ada@lawyers.example"));
        assert!(!of("lawyers.example", "lawyers.example") && !of("lawyers.example", "ada@lawyers.example.com"));
    }

    #[test]
    fn users_are_found_as_hosts_and_among_the_parties() {
        let selection = exclusion(&[], &[], &[("7", "lee@vendor.example")]);
        let by = |meta: Value, parties: Value| left_out(&selection, &meta, &parties).is_some();
        assert!(by(json!({ "primaryUserId": "7" }), Value::Null));
        assert!(by(json!({}), json!([{ "userId": "7" }])));
        assert!(by(json!({}), json!([{ "userId": "8" }, { "emailAddress": "LEE@vendor.example" }])));
        assert!(!by(json!({ "primaryUserId": "8" }), json!([{ "userId": "8" }])));
        assert!(selection.excludes_user("7") && !selection.excludes_user("8"));
    }

    #[test]
    fn a_call_that_is_left_out_for_several_reasons_counts_once() {
        let mut selection = exclusion(&["secret"], &[], &[]);
        selection.participants = vec![Participant { user_id: "9".into(), emails: BTreeSet::new() }];
        let judged = |meta: Value| left_out(&selection, &meta, &json!([{ "userId": "8" }]));
        assert_eq!(judged(json!({ "isPrivate": true, "title": "secret" })), Some(LeftOut::Private));
        assert_eq!(judged(json!({ "title": "secret" })), Some(LeftOut::Excluded));
        assert_eq!(judged(json!({ "title": "open" })), Some(LeftOut::Filtered));
        assert_eq!(left_out(&Selection::default(), &json!({ "title": "secret" }), &Value::Null), None);
    }
}
