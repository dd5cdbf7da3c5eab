//! The lease that keeps two runs off one destination: what its document says, and what is to be
//! made of one that is found. Pure: clocks, processes and files are looked at by `sink::lease`.
//!
//! No two machines agree on the time, so how long an owner has been silent is not told from its own
//! stamps: a heartbeat rewrites the document, the store notes when, and the same store is asked what
//! time it is now. Both instants are of one clock. Only where a store does not note times as it should
//! do the owner's stamps decide, and then with an hour's allowance ([`SKEW_MAX`]).

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The version of this document's shape.
pub const FORMAT: u32 = 1;

/// How far the clocks of two machines may be apart.
pub const SKEW_MAX: TimeDelta = TimeDelta::hours(1);

/// The longest silence that a document can ask to be borne.
const TERM_MAX: TimeDelta = TimeDelta::hours(1);

/// Who holds a lease, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseDocument {
    pub format: u32,
    /// Random, new with each acquisition: tells a lease from one that the same owner held before.
    pub token: String,
    #[serde(flatten)]
    pub owner: Owner,
    /// When it was acquired, by the owner's clock as all three.
    pub since: DateTime<Utc>,
    /// The last heartbeat.
    pub renewed_at: DateTime<Utc>,
    /// Without another heartbeat the lease is nobody's from here on.
    pub expires_at: DateTime<Utc>,
}

/// The run that holds a lease, in terms that lead a person to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub run_id: String,
    pub job: String,
    /// The machine's name, or the container's.
    pub host: Option<String>,
    pub process: Process,
}

/// A process, told from all that had its number before or have it elsewhere. What an operating
/// system does not tell is `None`, and then nothing is concluded from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub id: u32,
    /// One start of one kernel, the same in all its containers.
    pub boot: Option<String>,
    /// Where process numbers are unique: a container has its own.
    pub namespace: Option<String>,
    /// In ticks since the machine was started.
    pub started: Option<u64>,
    /// The user's number. A process of another user may be hidden while it runs.
    pub user: Option<u32>,
}

impl Process {
    /// Whether a look from process `self` would find `other` if it were running.
    pub fn can_see(&self, other: &Self) -> bool {
        fn same<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.is_some() && a == b
        }
        same(self.boot.as_ref(), other.boot.as_ref())
            && same(self.namespace.as_ref(), other.namespace.as_ref())
            && same(self.user.as_ref(), other.user.as_ref())
            && other.started.is_some()
    }

    /// Whether the two run, or ran, under different kernels as far as is known.
    pub fn is_elsewhere(&self, other: &Self) -> bool {
        matches!((&self.boot, &other.boot), (Some(a), Some(b)) if a != b)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The document is anybody's who may write there: nothing of it steers a terminal.
        write!(f, "run {} of job {}, process {}", shown(&self.run_id), shown(&self.job), self.process.id)?;
        match &self.host {
            Some(host) => write!(f, " on {}", shown(host)),
            None => Ok(()),
        }
    }
}

/// A text from a document, short and on one line.
fn shown(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}

/// Why a text is no lease document of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is no lease document (line {line}, column {column})")]
    Broken { line: usize, column: usize },
    #[error("it was written by a newer version (format {format})")]
    Newer { format: u32 },
    #[error("it is too large for a lease document")]
    TooLarge,
}

impl LeaseDocument {
    pub fn new(owner: Owner, token: String, now: DateTime<Utc>, term: TimeDelta) -> Self {
        Self { format: FORMAT, token, owner, since: now, renewed_at: now, expires_at: later(now, term) }
    }

    /// The same after a heartbeat.
    #[must_use]
    pub fn renewed(&self, now: DateTime<Utc>, term: TimeDelta) -> Self {
        Self { renewed_at: now, expires_at: later(now, term), ..self.clone() }
    }

    /// How long its owner may be silent.
    pub fn term(&self) -> TimeDelta {
        self.expires_at.signed_duration_since(self.renewed_at).clamp(TimeDelta::zero(), TERM_MAX)
    }

    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("texts, numbers and instants are JSON")
    }

    pub fn parse(json: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let broken = |error: serde_json::Error| Unreadable::Broken { line: error.line(), column: error.column() };
        let Format { format } = serde_json::from_slice(json).map_err(broken)?;
        if format > FORMAT {
            return Err(Unreadable::Newer { format });
        }
        serde_json::from_slice(json).map_err(broken)
    }
}

fn later(now: DateTime<Utc>, term: TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(term).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// What is known of a process by looking for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    Running,
    Gone,
    /// It may be on another machine, or out of sight on this one.
    Unknown,
}

/// A document as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub document: Result<LeaseDocument, Unreadable>,
    /// How long ago it was last written: both instants by the store's clock.
    pub silent: TimeDelta,
    pub owner: Liveness,
}

/// What to make of what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nobody holds it.
    Free,
    /// Somebody holds it, or may do so.
    Held,
    /// Its owner cannot be running any more.
    Abandoned(Abandonment),
}

/// How an owner is known to be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandonment {
    /// Its process does not run any more.
    ProcessGone,
    /// No heartbeat for longer than it promised.
    Silent,
}

/// Whether a lease can be taken, at `now` by this machine's clock. `term` is the silence borne from
/// an owner whose document cannot be read.
pub fn decide(found: Option<&Found>, now: DateTime<Utc>, term: TimeDelta) -> Decision {
    let Some(Found { document, silent, owner }) = found else { return Decision::Free };
    if *owner == Liveness::Gone {
        return Decision::Abandoned(Abandonment::ProcessGone);
    }
    let (term, outdated) = match document {
        Ok(document) => (document.term(), now.signed_duration_since(document.expires_at) >= SKEW_MAX),
        Err(_) => (term, false),
    };
    // A process that runs but has been silent that long is stuck: it does not hold the lease for ever.
    if *silent >= term || outdated { Decision::Abandoned(Abandonment::Silent) } else { Decision::Held }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TERM: TimeDelta = TimeDelta::minutes(2);

    fn process() -> Process {
        Process {
            id: 4711,
            boot: Some("3c1f".into()),
            namespace: Some("pid:[4026531836]".into()),
            started: Some(99),
            user: Some(1000),
        }
    }

    fn owner() -> Owner {
        Owner {
            run_id: "20250201T020000Z-7f3a".into(),
            job: "nightly".into(),
            host: Some("etl-3.vendor.example".into()),
            process: process(),
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_738_375_200 + seconds, 0).unwrap()
    }

    fn found(silent: i64, owner_state: Liveness) -> Found {
        let document = LeaseDocument::new(owner(), "token".into(), at(0), TERM);
        Found { document: Ok(document), silent: TimeDelta::seconds(silent), owner: owner_state }
    }

    #[test]
    fn the_document_is_a_contract() {
        let document = LeaseDocument::new(owner(), "f00d".into(), at(0), TERM).renewed(at(20), TERM);
        let json: serde_json::Value = serde_json::from_slice(&document.to_json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "format": 1,
                "token": "f00d",
                "run_id": "20250201T020000Z-7f3a",
                "job": "nightly",
                "host": "etl-3.vendor.example",
                "process": {
                    "id": 4711, "boot": "3c1f", "namespace": "pid:[4026531836]", "started": 99, "user": 1000,
                },
                "since": "2025-02-01T02:00:00Z",
                "renewed_at": "2025-02-01T02:00:20Z",
                "expires_at": "2025-02-01T02:02:20Z",
            })
        );
        assert_eq!(LeaseDocument::parse(&document.to_json()), Ok(document));
    }

    #[test]
    fn what_is_no_document_says_why() {
        assert_eq!(LeaseDocument::parse(b""), Err(Unreadable::Broken { line: 1, column: 0 }));
        assert!(matches!(LeaseDocument::parse(br#"{"format": 1}"#), Err(Unreadable::Broken { line: 1, .. })));
        let newer = br#"{"format": 2, "holder": "somebody"}"#;
        assert_eq!(LeaseDocument::parse(newer), Err(Unreadable::Newer { format: 2 }));
    }

    #[test]
    fn silence_ends_a_lease_and_a_heartbeat_keeps_it() {
        assert_eq!(decide(None, at(0), TERM), Decision::Free);
        for state in [Liveness::Unknown, Liveness::Running] {
            assert_eq!(decide(Some(&found(119, state)), at(119), TERM), Decision::Held);
            let silent = Decision::Abandoned(Abandonment::Silent);
            assert_eq!(decide(Some(&found(120, state)), at(120), TERM), silent);
        }
        let gone = Decision::Abandoned(Abandonment::ProcessGone);
        assert_eq!(decide(Some(&found(0, Liveness::Gone)), at(0), TERM), gone);
    }

    #[test]
    fn stamps_count_when_the_store_s_times_do_not_move() {
        let found = found(0, Liveness::Unknown);
        assert_eq!(decide(Some(&found), at(120 + 3599), TERM), Decision::Held);
        assert_eq!(decide(Some(&found), at(120 + 3600), TERM), Decision::Abandoned(Abandonment::Silent));
    }

    #[test]
    fn a_broken_document_is_borne_for_the_reader_s_term() {
        let found = |silent| Found {
            document: Err(Unreadable::TooLarge),
            silent: TimeDelta::seconds(silent),
            owner: Liveness::Unknown,
        };
        assert_eq!(decide(Some(&found(119)), at(1_000_000), TERM), Decision::Held);
        assert_eq!(decide(Some(&found(120)), at(0), TERM), Decision::Abandoned(Abandonment::Silent));
    }

    #[test]
    fn processes_are_seen_only_where_all_is_known_and_equal() {
        let here = Process { id: 1, started: Some(5), ..process() };
        assert!(here.can_see(&process()));
        for hidden in [
            Process { boot: Some("other".into()), ..process() },
            Process { boot: None, ..process() },
            Process { namespace: Some("pid:[1]".into()), ..process() },
            Process { user: Some(0), ..process() },
            Process { started: None, ..process() },
        ] {
            assert!(!here.can_see(&hidden), "{hidden:?}");
        }
        let unknown = Process { boot: None, ..process() };
        assert!(!unknown.can_see(&unknown));
        assert!(!unknown.is_elsewhere(&process()), "nothing is concluded from what is not known");
        assert!(here.is_elsewhere(&Process { boot: Some("other".into()), ..process() }));
    }

    #[test]
    fn owners_are_shown_on_one_line() {
        assert_eq!(
            owner().to_string(),
            "run 20250201T020000Z-7f3a of job nightly, process 4711 on etl-3.vendor.example"
        );
        let hostile = Owner { job: "a\n\u{1b}[2Jb".into(), host: None, ..owner() };
        assert_eq!(hostile.to_string(), "run 20250201T020000Z-7f3a of job a\\n\\u{1b}[2Jb, process 4711");
    }

    proptest! {
        #[test]
        fn no_skew_within_the_allowance_ends_a_living_lease(silent in 0i64..120, skew in -86_400i64..3_600) {
            // The reader's clock shows `silent` seconds after the heartbeat, wrong by `skew`.
            let found = found(silent, Liveness::Unknown);
            prop_assert_eq!(decide(Some(&found), at(silent + skew), TERM), Decision::Held);
        }

        #[test]
        fn no_skew_keeps_a_dead_lease(silent in 120i64..1_000_000, skew in -1_000_000i64..1_000_000) {
            let found = found(silent, Liveness::Unknown);
            prop_assert_eq!(decide(Some(&found), at(skew), TERM), Decision::Abandoned(Abandonment::Silent));
        }

        #[test]
        fn no_document_keeps_a_lease_for_more_than_an_hour(renewed in any::<i32>(), expires in any::<i32>(), now in any::<i32>()) {
            let document = LeaseDocument {
                renewed_at: at(renewed.into()),
                expires_at: at(expires.into()),
                ..LeaseDocument::new(owner(), "token".into(), at(0), TERM)
            };
            let found = Found { document: Ok(document), silent: TimeDelta::hours(1), owner: Liveness::Unknown };
            prop_assert_eq!(decide(Some(&found), at(now.into()), TERM), Decision::Abandoned(Abandonment::Silent));
        }

        #[test]
        fn documents_read_back(run_id: String, job: String, host: Option<String>, token: String, id: u32, since in any::<i32>()) {
            let owner = Owner { run_id, job, host, process: Process { id, ..process() } };
            let document = LeaseDocument::new(owner, token, at(since.into()), TERM);
            prop_assert_eq!(LeaseDocument::parse(&document.to_json()), Ok(document));
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let _ = LeaseDocument::parse(&bytes);
        }
    }
}
