//! Who is known: the names, addresses and numbers that are looked for in text.

use std::collections::HashSet;
use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::Kind;
use super::pseudonym::Kinds;
use crate::gong::model::{Call, User};

/// Shorter parts of addresses stand for anything.
const HANDLE_CHARS_MIN: usize = 3;

/// Shorter numbers are everywhere.
const PHONE_DIGITS_MIN: usize = 5;

/// Words of names that are no names by themselves.
const PARTICLES: [&str; 40] = [
    "al", "and", "ben", "bin", "da", "dal", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "dr", "du",
    "el", "ibn", "jr", "la", "las", "le", "los", "mr", "mrs", "ms", "phd", "prof", "san", "sir", "sr", "st", "ten",
    "ter", "the", "van", "vom", "von", "zu",
];

/// People that text may speak of. Its `Debug` shows nobody.
pub struct People {
    patterns: Vec<Pattern>,
    /// What is looked for already, so that nothing is looked for twice.
    texts: HashSet<String>,
    /// Digits of their phone numbers.
    phones: HashSet<String>,
    automaton: Option<AhoCorasick>,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("People").field("patterns", &self.patterns.len()).finish_non_exhaustive()
    }
}

/// Something to look for.
pub(super) struct Pattern {
    pub(super) kind: Kind,
    /// What the pseudonym is made of.
    pub(super) original: String,
    pub(super) care: Care,
}

/// Where a pattern means what it seems to mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    Anywhere,
    /// Where it begins with a capital letter, or in a link: `Mark`, not `mark`.
    Capital,
    /// In a link.
    Link,
}

impl People {
    pub(super) fn of_company<'a>(kinds: Kinds, users: impl IntoIterator<Item = &'a User<'a>>) -> Self {
        let mut known = Collector::new(kinds, None);
        for user in users {
            let (first, last) = (user.first_name.as_deref(), user.last_name.as_deref());
            let names: Vec<_> = [first, last].into_iter().flatten().map(str::trim).collect();
            known.name(&names.join(" "));
            // Aliases that are not a list of texts are nobody's.
            let aliases: Vec<String> =
                user.email_aliases_json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
            let own = [user.email_address.as_deref(), user.trusted_email_address.as_deref()];
            for address in own.into_iter().flatten().chain(aliases.iter().map(String::as_str)) {
                known.email(address);
            }
            user.phone_number.iter().for_each(|number| known.phone(number));
        }
        // Looked through with every sentence of the run.
        known.finish(None)
    }

    pub(super) fn of_call(kinds: Kinds, call: &Call<'_>, besides: &Self) -> Self {
        let mut known = Collector::new(kinds, Some(besides));
        for party in call.parties.iter().flatten() {
            party.name.iter().for_each(|name| known.name(name));
            party.email_address.iter().for_each(|address| known.email(address));
            party.phone_number.iter().for_each(|number| known.phone(number));
        }
        // Made for a single call, so it has to be made quickly.
        known.finish(Some(AhoCorasickKind::ContiguousNFA))
    }

    /// Every occurrence, overlapping ones too, with its place in `text`.
    pub(super) fn find(&self, text: &str, mut found: impl FnMut(&Pattern, std::ops::Range<usize>)) {
        let Some(automaton) = &self.automaton else { return };
        for occurrence in automaton.find_overlapping_iter(text) {
            if let Some(pattern) = self.patterns.get(occurrence.pattern().as_usize()) {
                found(pattern, occurrence.range());
            }
        }
    }

    /// Whether these digits are one of their numbers, in full or without its first digits.
    pub(super) fn has_phone(&self, digits: &str) -> bool {
        const LOCAL_DIGITS_MIN: usize = 7;
        self.phones.contains(digits)
            || (digits.len() >= LOCAL_DIGITS_MIN && self.phones.iter().any(|phone| phone.ends_with(digits)))
    }
}

struct Collector<'a> {
    kinds: Kinds,
    besides: Option<&'a People>,
    people: People,
    sought: Vec<String>,
}

impl<'a> Collector<'a> {
    fn new(kinds: Kinds, besides: Option<&'a People>) -> Self {
        let people = People { patterns: Vec::new(), texts: HashSet::new(), phones: HashSet::new(), automaton: None };
        Self { kinds, besides, people, sought: Vec::new() }
    }

    fn name(&mut self, name: &str) {
        let name = name.trim();
        if !self.kinds.name || name.is_empty() {
            return;
        }
        if name.split_whitespace().nth(1).is_some() {
            self.add(name, Kind::Name, name, Care::Anywhere);
        }
        // `Anne-Marie` is called so, or Anne.
        for word in name.split_whitespace().flat_map(|word| std::iter::once(word).chain(word.split('-'))) {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            let is_name = word.chars().nth(1).is_some() && word.chars().all(|c| !c.is_numeric());
            if is_name && !PARTICLES.contains(&word.to_lowercase().as_str()) {
                self.add(word, Kind::Name, word, Care::Capital);
            }
        }
    }

    fn email(&mut self, address: &str) {
        let address = address.trim();
        if !self.kinds.email || address.is_empty() {
            return;
        }
        self.add(address, Kind::Email, address, Care::Anywhere);
        if let Some((handle, _)) = address.rsplit_once('@')
            && handle.chars().count() >= HANDLE_CHARS_MIN
        {
            // `sales` is a word, `mara.quist` is nobody else.
            let care = if handle.chars().all(char::is_alphabetic) { Care::Link } else { Care::Anywhere };
            self.add(handle, Kind::Handle, address, care);
        }
    }

    fn phone(&mut self, number: &str) {
        let number = number.trim();
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        if self.kinds.phone && digits.len() >= PHONE_DIGITS_MIN {
            self.add(number, Kind::Phone, number, Care::Anywhere);
            self.people.phones.insert(digits);
        }
    }

    /// The automaton knows the cases of ASCII only.
    fn add(&mut self, sought: &str, kind: Kind, original: &str, care: Care) {
        let lower = sought.to_lowercase();
        let is_known = self.besides.is_some_and(|besides| besides.texts.contains(&lower));
        if is_known || !self.people.texts.insert(lower.clone()) {
            return;
        }
        let mut forms = vec![sought.to_owned()];
        if !sought.is_ascii() {
            forms.extend([lower, sought.to_uppercase()]);
        }
        for form in forms {
            self.sought.push(form);
            self.people.patterns.push(Pattern { kind, original: original.to_owned(), care });
        }
    }

    fn finish(self, kind: Option<AhoCorasickKind>) -> People {
        let Self { mut people, sought, .. } = self;
        if !sought.is_empty() {
            let automaton = AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(true)
                .kind(kind)
                .build(sought)
                .expect("the names of a company fit into an automaton of 2^31 states");
            people.automaton = Some(automaton);
        }
        people
    }
}
