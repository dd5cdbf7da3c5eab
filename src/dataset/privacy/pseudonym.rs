//! The pseudonyms themselves: HMAC-SHA-256 with the job's key, of the data in its usual form, each kind
//! apart from the others.
//!
//! | kind | usual form | pseudonym |
//! | --- | --- | --- |
//! | e-mail address | without space around, lower case | `1f0c9ad2b3e45678@vendor.example` |
//! | domain, unless kept | lower case | `1f0c9ad2b3e45678.invalid`, a domain that can never exist |
//! | phone number | its digits | `phone-1f0c9ad2b3e45678` |
//! | name | one space between words, lower case | `person-1f0c9ad2b3e45678` |
//!
//! Sixteen hexadecimal digits are 64 bits: among a million people the odds that two share a pseudonym
//! are one to 37 million.

use std::fmt::{self, Write};

use ring::{digest as hash, hmac};

/// Bytes of the HMAC that a pseudonym shows.
const BYTES: usize = 8;

/// Which kinds of personal data are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds {
    pub email: bool,
    pub phone: bool,
    pub name: bool,
}

/// Makes pseudonyms: of equal data equal ones, of others others, and without the key none at all.
#[derive(Clone)]
pub struct Pseudonyms {
    key: hmac::Key,
    kinds: Kinds,
    keep_email_domains: bool,
}

/// Without the key.
impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms")
            .field("kinds", &self.kinds)
            .field("keep_email_domains", &self.keep_email_domains)
            .finish_non_exhaustive()
    }
}

impl Pseudonyms {
    pub fn new(key: &str, kinds: Kinds, keep_email_domains: bool) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), kinds, keep_email_domains }
    }

    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    pub(super) fn keeps_email_domains(&self) -> bool {
        self.keep_email_domains
    }

    /// Tells keys apart without telling anything of them.
    pub fn fingerprint(&self) -> String {
        self.of("fingerprint", "")
    }

    pub fn email(&self, address: &str) -> String {
        let handle = self.handle(address);
        match address.trim().rsplit_once('@') {
            Some((_, domain)) if is_domain(domain) && self.keep_email_domains => {
                format!("{handle}@{}", domain.to_lowercase())
            }
            Some((_, domain)) => format!("{handle}@{}", self.domain(domain)),
            None => handle,
        }
    }

    /// What stands before the `@` of an address's pseudonym.
    pub(super) fn handle(&self, address: &str) -> String {
        self.of("email", &address.trim().to_lowercase())
    }

    pub fn domain(&self, domain: &str) -> String {
        format!("{}.invalid", self.of("domain", &domain.trim().to_lowercase()))
    }

    pub fn phone(&self, number: &str) -> String {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        // What has no digits is no number, and still somebody's.
        let usual = if digits.is_empty() { number.trim() } else { &digits };
        format!("phone-{}", self.of("phone", usual))
    }

    pub fn name(&self, name: &str) -> String {
        let words: Vec<_> = name.split_whitespace().map(str::to_lowercase).collect();
        format!("person-{}", self.of("name", &words.join(" ")))
    }

    fn of(&self, kind: &str, usual: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [kind.as_bytes(), b"\0", usual.as_bytes()] {
            context.update(part);
        }
        hex(context.sign().as_ref())
    }
}

/// A digest that stands for a text which should not be shown, and tells whether another one is the same.
pub fn digest(text: &str) -> String {
    hex(hash::digest(&hash::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(BYTES).fold(String::with_capacity(2 * BYTES), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn is_domain(domain: &str) -> bool {
    !domain.is_empty() && domain.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-')
}
