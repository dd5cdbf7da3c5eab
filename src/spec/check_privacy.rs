//! The `privacy` of a job: what to leave out and what to replace by pseudonyms. A part of
//! [`check`](super::check). Pure. No message shows the key, not even what stands in the file.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};

use super::Purpose;
use super::check::Checker;
use super::field::{Field, Located, Secret};
use super::job::{Exclude, Privacy, Pseudonymize};
use super::problem::{Position, quoted};
use super::raw::{self, PRIVACY_PATH, PersonalKind};

/// Characters of a key: 32 hexadecimal digits are 128 bits, beyond guessing.
const KEY_CHARS_MIN: usize = 32;

const MAKE_A_KEY: &str = "make one with `openssl rand -hex 32`, keep it where secrets are kept, and write \
                          `key: ${EXPORT_PSEUDONYM_KEY}`";

impl Checker<'_> {
    /// `None` only with a problem noted.
    pub(super) fn privacy(&mut self, privacy: Field<raw::Privacy>) -> Option<Privacy> {
        let Located { value: privacy, position, .. } = match privacy {
            Field::Absent => return Some(Privacy::default()),
            Field::Invalid => return None,
            Field::Present(privacy) => privacy,
        };
        let private_calls = match privacy.private_calls {
            Field::Absent => Some(raw::PrivateCalls::default()),
            Field::Invalid => None,
            Field::Present(choice) => Some(choice.value),
        };
        let keep_email_domains = match privacy.keep_email_domains {
            Field::Absent => Some(true),
            Field::Invalid => None,
            Field::Present(choice) => Some(choice.value),
        };
        // An empty list says in words that nothing is to be replaced; then a key may wait for its use.
        let is_off_by_word = matches!(&privacy.pseudonymize, Field::Present(list) if list.value.is_empty());
        let pseudonymize = match self.kinds(privacy.pseudonymize) {
            None => None,
            Some(kinds) if kinds.is_empty() => {
                if let Field::Present(key) = &privacy.key
                    && !is_off_by_word
                {
                    let remedy = "list what to replace, as in `pseudonymize: [email, phone, name]`, or remove the key";
                    let message = "`privacy.key` is there, but no `privacy.pseudonymize`: nothing would be replaced";
                    self.notes.at(key.position, message, remedy);
                }
                Some(None)
            }
            Some(kinds) => {
                let key = match self.purpose {
                    Purpose::LookOnly => Some(None),
                    Purpose::Connect => self.key(privacy.key, position).map(Some),
                };
                key.zip(keep_email_domains)
                    .map(|(key, keep_email_domains)| Some(Pseudonymize { kinds, key, keep_email_domains }))
            }
        };
        let exclude = self.exclude(privacy.exclude);
        keep_email_domains?;
        Some(Privacy { private_calls: private_calls?, pseudonymize: pseudonymize?, exclude: exclude? })
    }

    fn kinds(&mut self, list: Field<Vec<Field<PersonalKind>>>) -> Option<BTreeSet<PersonalKind>> {
        let list = match list {
            Field::Absent => return Some(BTreeSet::new()),
            Field::Invalid => return None,
            Field::Present(list) => list.value,
        };
        let count = list.len();
        let kinds: Vec<_> = list.into_iter().filter_map(Field::present).map(|kind| kind.value).collect();
        (kinds.len() == count).then(|| kinds.into_iter().collect())
    }

    fn key(&mut self, key: Field<Secret>, after: Position) -> Option<SecretString> {
        let path = format!("{PRIVACY_PATH}.key");
        let key = match key {
            Field::Absent => {
                let message = format!("`{path}` is missing: pseudonyms are made with a secret key");
                self.notes.at(after, message, MAKE_A_KEY);
                return None;
            }
            Field::Invalid => return None,
            Field::Present(key) => key,
        };
        // Files and shells like to add a line's end, which would make other pseudonyms.
        let text = key.value.0.expose_secret().trim();
        if text.chars().count() < KEY_CHARS_MIN {
            let message = format!("`{path}` is shorter than {KEY_CHARS_MIN} characters, so it could be guessed");
            self.notes.at(key.position, message, MAKE_A_KEY);
            return None;
        }
        Some(SecretString::from(text))
    }

    fn exclude(&mut self, exclude: Field<raw::Exclude>) -> Option<Exclude> {
        let Located { value: exclude, position, .. } = match exclude {
            Field::Absent => return Some(Exclude::default()),
            Field::Invalid => return None,
            Field::Present(exclude) => exclude,
        };
        let titles = self.each(exclude.titles, |checker, pattern| checker.title(&pattern));
        let email_domains = self.each(exclude.email_domains, |checker, domain| checker.domain(&domain));
        let users = self.user_list(exclude.users, "privacy.exclude.users");
        let exclude = Exclude { titles: titles?, email_domains: email_domains?, users: users? };
        if exclude.is_empty() {
            let remedy = "list `titles`, `email_domains` or `users`, or remove `exclude`";
            self.notes.at(position, "`privacy.exclude` leaves out nothing", remedy);
            return None;
        }
        Some(exclude)
    }

    /// `None` when one of them was noted.
    fn each(
        &mut self,
        list: Field<Vec<Field<String>>>,
        mut check: impl FnMut(&mut Self, Located<String>) -> Option<String>,
    ) -> Option<Vec<String>> {
        let list = match list {
            Field::Absent => return Some(Vec::new()),
            Field::Invalid => return None,
            Field::Present(list) => list.value,
        };
        let count = list.len();
        let good: Vec<_> = list.into_iter().filter_map(Field::present).filter_map(|item| check(self, item)).collect();
        (good.len() == count).then_some(good)
    }

    fn title(&mut self, pattern: &Located<String>) -> Option<String> {
        let text = pattern.value.trim();
        if text.chars().all(|c| matches!(c, '*' | '?') || c.is_whitespace()) {
            let message = format!("{} in `privacy.exclude.titles` would leave out every call", quoted(&pattern.shown));
            self.notes.at(pattern.position, message, "write a part of the titles that are meant, such as `interview`");
            return None;
        }
        Some(text.to_owned())
    }

    fn domain(&mut self, domain: &Located<String>) -> Option<String> {
        let text = domain.value.trim();
        let text = text.strip_prefix('@').unwrap_or(text).to_lowercase();
        let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
        if text.is_empty() || !text.split('.').all(is_label) {
            let message =
                format!("{} in `privacy.exclude.email_domains` is not the domain of an address", quoted(&domain.shown));
            let remedy = "write a domain such as `lawyers.example`; addresses below it are meant, too";
            self.notes.at(domain.position, message, remedy);
            return None;
        }
        Some(text)
    }
}
