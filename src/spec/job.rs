//! A job spec after checking: what all other modules see of the YAML.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use secrecy::SecretString;
use url::Url;

use super::compression::Compression;
use super::field::Located;
use super::range::Range;
use super::raw::{NotifyOn, PersonalKind, PrivateCalls};
use crate::calendar::PartitionBy;
use crate::sim;

/// What to fetch from Gong and where to write it.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// Letters, digits, `-`, `_` and `.`; at most 64 of them.
    pub name: String,
    pub source: Source,
    pub range: Range,
    pub users: Users,
    /// Id of one workspace; `None` for all that the credentials can see.
    pub workspace: Option<String>,
    /// Names of known datasets and groups, each once, in the order of the job; empty for the usual
    /// datasets.
    pub datasets: Vec<String>,
    pub destination: Destination,
    pub refresh: Refresh,
    pub privacy: Privacy,
    /// Whom to tell how a run ended.
    pub notify: Option<Notify>,
}

/// Where calls come from, and how fast.
#[derive(Debug, Clone)]
pub struct Source {
    /// Above 0 and at most 100.
    pub requests_per_second: f64,
    /// At least 1.
    pub requests_per_day: u64,
    pub kind: SourceKind,
}

/// A real account or a simulated one.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// What is `None` is to be found in the environment or in the credentials file.
    Gong {
        base_url: Option<Url>,
        auth: Option<Auth>,
    },
    Simulator(Box<sim::config::Config>),
}

/// How to sign in to Gong. Its `Debug` shows no secrets.
#[derive(Debug, Clone)]
pub enum Auth {
    AccessKey { access_key: SecretString, access_key_secret: SecretString },
    Token(SecretString),
    OAuth(Box<OAuth>),
}

/// An OAuth app. Its `Debug` shows no secrets.
#[derive(Debug, Clone)]
pub struct OAuth {
    pub client_id: SecretString,
    pub client_secret: SecretString,
    /// A path; a relative one is relative to the folder of the job file.
    pub token_file: String,
    pub token_url: Url,
}

/// A user as the job names one: an e-mail address or a user id. Knows its position, since only Gong
/// can tell whether there is such a user.
pub type UserRef = Located<String>;

/// Whose calls; both empty means everybody's.
#[derive(Debug, Clone, Default)]
pub struct Users {
    pub hosts: Vec<UserRef>,
    pub participants: Vec<UserRef>,
}

/// Where and how to write.
#[derive(Clone)]
pub struct Destination {
    /// A path (relative ones to the folder of the job file), or a URL with the scheme `file`, `s3`,
    /// `gs` or `az`. Holds no credentials.
    pub url: String,
    pub partition_by: PartitionBy,
    pub compression: Compression,
    /// Settings for the object store; may hold credentials.
    pub options: BTreeMap<String, String>,
}

/// Shows the names of the options only.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options: Vec<&String> = self.options.keys().collect();
        f.debug_struct("Destination")
            .field("url", &self.url)
            .field("partition_by", &self.partition_by)
            .field("compression", &self.compression)
            .field("options", &options)
            .finish()
    }
}

/// For how long partitions are looked at again after their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh {
    /// All of a partition.
    pub settle_days: u32,
    /// The transcripts that are missing.
    pub transcripts_wait_days: u32,
}

/// What to leave out, and what to replace by pseudonyms. Its `Debug` shows no key.
#[derive(Debug, Clone, Default)]
pub struct Privacy {
    pub private_calls: PrivateCalls,
    pub pseudonymize: Option<Pseudonymize>,
    pub exclude: Exclude,
}

/// Which personal data is replaced by pseudonyms, and how.
#[derive(Debug, Clone)]
pub struct Pseudonymize {
    /// Never empty.
    pub kinds: BTreeSet<PersonalKind>,
    /// At least 32 characters. `None` only for a command that makes no pseudonyms.
    pub key: Option<SecretString>,
    pub keep_email_domains: bool,
}

/// Calls that are left out, and users.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    /// Patterns of titles; `*` is any text, `?` one character. Each holds another character, too.
    pub titles: Vec<String>,
    /// In lower case.
    pub email_domains: Vec<String>,
    pub users: Vec<UserRef>,
}

impl Exclude {
    pub fn is_empty(&self) -> bool {
        self.titles.is_empty() && self.email_domains.is_empty() && self.users.is_empty()
    }
}

/// Whom to tell how a run ended.
#[derive(Clone)]
pub struct Notify {
    /// https, or http with a loopback host. As secret as a password.
    pub url: Url,
    pub on: NotifyOn,
    pub headers: Vec<NotifyHeader>,
}

/// Hides the address.
impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify").field("on", &self.on).field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// A header of the notification.
#[derive(Debug, Clone)]
pub struct NotifyHeader {
    /// What HTTP allows, and none of the headers that every request has.
    pub name: String,
    /// Printable ASCII, not empty.
    pub value: SecretString,
}
