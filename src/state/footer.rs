//! What a data file says about itself: key-value pairs under `gong_export.` in its Parquet footer.
//!
//! These pairs are the only record of what has been exported: `status`, resume and refresh decide
//! from them alone. So reading is strict: a file of somebody else, a file of a newer version and a
//! damaged entry are told apart, and none of them is ever taken for a good one. Pure; `sink` puts
//! the pairs into files and fetches them back.

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use super::privacy_note::PrivacyNote;
use crate::calendar::{DateRange, Partition, PartitionBy};

/// The version of the files' layout: columns of the datasets and meaning of the pairs. Raised when
/// an older reader would misunderstand a newer file; a new optional pair does not raise it.
pub const SCHEMA_VERSION: u32 = 1;

/// What the names of our pairs begin with.
const PREFIX: &str = "gong_export.";

mod name {
    pub(super) const TOOL_VERSION: &str = "tool_version";
    pub(super) const SCHEMA_VERSION: &str = "schema_version";
    pub(super) const JOB: &str = "job";
    pub(super) const RUN_ID: &str = "run_id";
    pub(super) const DATASET: &str = "dataset";
    pub(super) const PARTITION: &str = "partition";
    pub(super) const PARTITION_BY: &str = "partition_by";
    pub(super) const AS_OF: &str = "as_of";
    pub(super) const WINDOW_FROM: &str = "window_from";
    pub(super) const WINDOW_TO: &str = "window_to";
    pub(super) const RECORDS_ANNOUNCED: &str = "records_announced";
    pub(super) const RECORDS_WRITTEN: &str = "records_written";
    pub(super) const RECORDS_WITHHELD: &str = "records_withheld";
    pub(super) const CHECKSUM: &str = "checksum";
    pub(super) const TRANSCRIPTS_AWAITED: &str = "transcripts_awaited";
    pub(super) const OLDEST_AWAITED: &str = "oldest_awaited";
    pub(super) const SIMULATED: &str = "simulated";
    pub(super) const SELECTION: &str = "selection";
    pub(super) const PRIVACY: &str = "privacy";
}

/// Where the rows of one data file come from and how complete they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    /// Version of the program that wrote the file.
    pub tool_version: String,
    /// [`SCHEMA_VERSION`] of that program.
    pub schema_version: u32,
    /// Name of the job.
    pub job: String,
    pub run_id: String,
    /// Name of the dataset.
    pub dataset: String,
    pub partition: Partition,
    /// When the listing that the rows come from began: what changed in Gong later is not in them.
    pub as_of: DateTime<Utc>,
    /// The window of that listing: this partition, or several.
    pub window: DateRange,
    /// How many records Gong announced for the window; `None` when it did not say.
    pub records_announced: Option<u64>,
    /// How many rows the file has.
    pub records_written: u64,
    /// How many more it would have with those that are private, or excluded by the job.
    pub records_withheld: u64,
    /// Checksum of the rows, `xxh3-128:` and 32 hexadecimal digits.
    pub checksum: String,
    /// How many calls of the partition had no transcript yet, where transcripts are exported.
    pub transcripts_awaited: u64,
    /// When the oldest of those calls began.
    pub oldest_awaited: Option<DateTime<Utc>>,
    /// Whether the rows are the simulator's inventions.
    pub simulated: bool,
    /// Which part of Gong's records the job asked for (users, workspace, private calls), as compact
    /// JSON: a file with another selection does not stand for this job's.
    pub selection: String,
    /// How personal data was treated; a file that was treated otherwise does not stand for this job's,
    /// whatever its dataset.
    pub privacy: PrivacyNote,
}

/// Why the pairs of a file are not a [`Footer`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FooterError {
    /// There is none of our pairs: another program wrote the file.
    #[error("not written by gong-export")]
    Foreign,
    /// Written by a version of this program that came after this one.
    #[error("written by gong-export {tool_version}, which is newer than this one (schema version {schema_version})")]
    Newer { schema_version: u32, tool_version: String },
    #[error("footer entry `{PREFIX}{entry}` is missing")]
    Missing { entry: &'static str },
    #[error("footer entry `{PREFIX}{entry}` is there twice")]
    Repeated { entry: String },
    #[error("footer entry `{PREFIX}{entry}` is not understood: {value:?}")]
    Invalid { entry: &'static str, value: String },
}

impl Footer {
    /// The pairs, in a fixed order. What is unknown is left out.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut pair = |entry: &str, value: String| pairs.push((format!("{PREFIX}{entry}"), value));
        pair(name::TOOL_VERSION, self.tool_version.clone());
        pair(name::SCHEMA_VERSION, self.schema_version.to_string());
        pair(name::JOB, self.job.clone());
        pair(name::RUN_ID, self.run_id.clone());
        pair(name::DATASET, self.dataset.clone());
        pair(name::PARTITION, self.partition.first_day().to_string());
        pair(name::PARTITION_BY, by_to_text(self.partition.by()).to_owned());
        pair(name::AS_OF, instant_to_text(self.as_of));
        pair(name::WINDOW_FROM, instant_to_text(self.window.from()));
        pair(name::WINDOW_TO, instant_to_text(self.window.to()));
        if let Some(announced) = self.records_announced {
            pair(name::RECORDS_ANNOUNCED, announced.to_string());
        }
        pair(name::RECORDS_WRITTEN, self.records_written.to_string());
        if self.records_withheld > 0 {
            pair(name::RECORDS_WITHHELD, self.records_withheld.to_string());
        }
        pair(name::CHECKSUM, self.checksum.clone());
        pair(name::TRANSCRIPTS_AWAITED, self.transcripts_awaited.to_string());
        if let Some(oldest) = self.oldest_awaited {
            pair(name::OLDEST_AWAITED, instant_to_text(oldest));
        }
        pair(name::SIMULATED, self.simulated.to_string());
        pair(name::SELECTION, self.selection.clone());
        if !self.privacy.is_empty() {
            pair(name::PRIVACY, serde_json::to_string(&self.privacy).expect("a note has only text keys"));
        }
        pairs
    }

    /// Reads the pairs of a file. Pairs of other programs, and entries under our prefix that this
    /// version does not know, are passed over.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, FooterError>
    where
        K: AsRef<str>,
        V: Into<String>,
    {
        let mut entries = Entries(BTreeMap::new());
        for (key, value) in pairs {
            let Some(entry) = key.as_ref().strip_prefix(PREFIX) else { continue };
            if entries.0.insert(entry.to_owned(), value.into()).is_some() {
                return Err(FooterError::Repeated { entry: entry.to_owned() });
            }
        }
        if entries.0.is_empty() {
            return Err(FooterError::Foreign);
        }
        // Before all others: what they mean is up to the version.
        let schema_version: u32 = entries.parsed(name::SCHEMA_VERSION)?;
        let tool_version = entries.text(name::TOOL_VERSION);
        if schema_version > SCHEMA_VERSION {
            let tool_version = tool_version.unwrap_or_else(|_| "of unknown version".to_owned());
            return Err(FooterError::Newer { schema_version, tool_version });
        }

        let by = entries.understood(name::PARTITION_BY, by_from_text)?;
        let partition = entries.understood(name::PARTITION, |text| {
            let day: NaiveDate = text.parse().ok()?;
            let partition = Partition::of_day(day, by);
            (partition.first_day() == day).then_some(partition)
        })?;
        let window_from = entries.understood(name::WINDOW_FROM, instant_from_text)?;
        let window =
            entries.understood(name::WINDOW_TO, |text| DateRange::new(window_from, instant_from_text(text)?))?;
        Ok(Self {
            tool_version: tool_version?,
            schema_version,
            job: entries.text(name::JOB)?,
            run_id: entries.text(name::RUN_ID)?,
            dataset: entries.text(name::DATASET)?,
            partition,
            as_of: entries.understood(name::AS_OF, instant_from_text)?,
            window,
            records_announced: entries.optional(name::RECORDS_ANNOUNCED, |text| text.parse().ok())?,
            records_written: entries.parsed(name::RECORDS_WRITTEN)?,
            records_withheld: entries.optional(name::RECORDS_WITHHELD, |text| text.parse().ok())?.unwrap_or_default(),
            checksum: entries.text(name::CHECKSUM)?,
            transcripts_awaited: entries.parsed(name::TRANSCRIPTS_AWAITED)?,
            oldest_awaited: entries.optional(name::OLDEST_AWAITED, instant_from_text)?,
            simulated: entries.parsed(name::SIMULATED)?,
            selection: entries.text(name::SELECTION)?,
            privacy: entries.optional(name::PRIVACY, |text| serde_json::from_str(text).ok())?.unwrap_or_default(),
        })
    }
}

/// The entries of a file under our prefix, without it.
struct Entries(BTreeMap<String, String>);

impl Entries {
    fn text(&self, entry: &'static str) -> Result<String, FooterError> {
        self.0.get(entry).cloned().ok_or(FooterError::Missing { entry })
    }

    fn parsed<T: FromStr>(&self, entry: &'static str) -> Result<T, FooterError> {
        self.understood(entry, |text| text.parse().ok())
    }

    fn understood<T>(&self, entry: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, FooterError> {
        self.optional(entry, read)?.ok_or(FooterError::Missing { entry })
    }

    fn optional<T>(&self, entry: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, FooterError> {
        let Some(value) = self.0.get(entry) else { return Ok(None) };
        match read(value) {
            Some(understood) => Ok(Some(understood)),
            None => Err(FooterError::Invalid { entry, value: value.clone() }),
        }
    }
}

fn by_to_text(by: PartitionBy) -> &'static str {
    match by {
        PartitionBy::Day => "day",
        PartitionBy::Month => "month",
    }
}

fn by_from_text(text: &str) -> Option<PartitionBy> {
    [PartitionBy::Day, PartitionBy::Month].into_iter().find(|by| by_to_text(*by) == text)
}

fn instant_to_text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn instant_from_text(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use super::super::privacy_note::PseudonymNote;
    use super::*;
    use proptest::prelude::*;

    fn instant() -> impl Strategy<Value = DateTime<Utc>> {
        // Years 1 to 9999: the ones RFC 3339 can write.
        (-62_135_596_800i64..253_402_300_800, 0u32..1_000_000_000)
            .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
    }

    prop_compose! {
        fn footer()(
            texts in proptest::collection::vec(".{0,20}", 6),
            schema_version in 0..=SCHEMA_VERSION,
            day in 0i32..3_000_000,
            month: bool,
            as_of in instant(),
            edges in (instant(), instant()).prop_filter("never empty", |(a, b)| a != b),
            announced: Option<u64>,
            written: u64,
            withheld: u64,
            awaited: u64,
            oldest in proptest::option::of(instant()),
            simulated: bool,
            key in proptest::option::of(".{0,8}"),
        ) -> Footer {
            let pseudonyms = key.map(|key| PseudonymNote {
                kinds: vec!["email".into()], keep_email_domains: month, key: Some(key),
            });
            let privacy = PrivacyNote { pseudonyms, excluded_users: oldest.map(|at: DateTime<Utc>| at.to_string()) };
            let by = if month { PartitionBy::Month } else { PartitionBy::Day };
            let [tool_version, job, run_id, dataset, checksum, selection] = texts.try_into().unwrap();
            Footer {
                tool_version, schema_version, job, run_id, dataset,
                partition: Partition::of_day(NaiveDate::from_num_days_from_ce_opt(day + 1).unwrap(), by),
                as_of,
                window: DateRange::new(edges.0.min(edges.1), edges.0.max(edges.1)).unwrap(),
                records_announced: announced, records_written: written, records_withheld: withheld, checksum,
                transcripts_awaited: awaited, oldest_awaited: oldest, simulated, selection, privacy,
            }
        }
    }

    fn example() -> Vec<(String, String)> {
        let at = |text: &str| text.parse().unwrap();
        Footer {
            tool_version: "0.1.0".into(),
            schema_version: 1,
            job: "nightly".into(),
            run_id: "20250201T020000Z-7f3a".into(),
            dataset: "calls".into(),
            partition: Partition::of_day("2025-01-31".parse().unwrap(), PartitionBy::Day),
            as_of: at("2025-02-01T02:00:03.25Z"),
            window: DateRange::new(at("2025-01-31T00:00:00Z"), at("2025-02-01T00:00:00Z")).unwrap(),
            records_announced: Some(41),
            records_written: 40,
            records_withheld: 1,
            checksum: "xxh3-128:0123456789abcdef0123456789abcdef".into(),
            transcripts_awaited: 2,
            oldest_awaited: Some(at("2025-01-31T09:00:00Z")),
            simulated: false,
            selection: r#"{"private_calls":"exclude"}"#.into(),
            privacy: PrivacyNote { pseudonyms: None, excluded_users: Some("5e8f".into()) },
        }
        .to_pairs()
    }

    fn without(entry: &str) -> Vec<(String, String)> {
        let key = format!("gong_export.{entry}");
        example().into_iter().filter(|(k, _)| *k != key).collect()
    }

    fn with(entry: &str, value: &str) -> Vec<(String, String)> {
        let mut pairs = without(entry);
        pairs.push((format!("gong_export.{entry}"), value.to_owned()));
        pairs
    }

    #[test]
    fn the_pairs_are_a_contract() {
        let text: Vec<String> = example().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            text,
            [
                "gong_export.tool_version=0.1.0",
                "gong_export.schema_version=1",
                "gong_export.job=nightly",
                "gong_export.run_id=20250201T020000Z-7f3a",
                "gong_export.dataset=calls",
                "gong_export.partition=2025-01-31",
                "gong_export.partition_by=day",
                "gong_export.as_of=2025-02-01T02:00:03.250Z",
                "gong_export.window_from=2025-01-31T00:00:00Z",
                "gong_export.window_to=2025-02-01T00:00:00Z",
                "gong_export.records_announced=41",
                "gong_export.records_written=40",
                "gong_export.records_withheld=1",
                "gong_export.checksum=xxh3-128:0123456789abcdef0123456789abcdef",
                "gong_export.transcripts_awaited=2",
                "gong_export.oldest_awaited=2025-01-31T09:00:00Z",
                "gong_export.simulated=false",
                r#"gong_export.selection={"private_calls":"exclude"}"#,
                r#"gong_export.privacy={"excluded_users":"5e8f"}"#,
            ]
        );
    }

    #[test]
    fn files_of_others_are_told_apart_from_damaged_ones() {
        let none: [(&str, &str); 0] = [];
        assert_eq!(Footer::from_pairs(none), Err(FooterError::Foreign));
        assert_eq!(Footer::from_pairs([("pandas", "{}"), ("gong_exporter.job", "x")]), Err(FooterError::Foreign));
        assert_eq!(
            Footer::from_pairs([("gong_export.job", "x")]),
            Err(FooterError::Missing { entry: "schema_version" })
        );
    }

    #[test]
    fn a_newer_version_is_said_to_be_one_whatever_else_changed() {
        let unknown = Footer::from_pairs([("gong_export.schema_version", "2")]).unwrap_err();
        assert!(matches!(unknown, FooterError::Newer { schema_version: 2, .. }));
        let pairs = [("gong_export.schema_version", "2"), ("gong_export.tool_version", "9.0.0")];
        let error = Footer::from_pairs(pairs).unwrap_err();
        assert_eq!(error, FooterError::Newer { schema_version: 2, tool_version: "9.0.0".into() });
        assert_eq!(error.to_string(), "written by gong-export 9.0.0, which is newer than this one (schema version 2)");
    }

    #[test]
    fn every_entry_but_the_optional_ones_is_required() {
        for (key, _) in example() {
            let entry = key.strip_prefix("gong_export.").unwrap();
            let read = Footer::from_pairs(without(entry));
            match entry {
                "records_announced" => assert_eq!(read.unwrap().records_announced, None),
                "records_withheld" => assert_eq!(read.unwrap().records_withheld, 0),
                "oldest_awaited" => assert_eq!(read.unwrap().oldest_awaited, None),
                "privacy" => assert_eq!(read.unwrap().privacy, PrivacyNote::NONE),
                entry => assert!(
                    matches!(read, Err(FooterError::Missing { entry: named }) if named == entry),
                    "{entry}: {read:?}"
                ),
            }
        }
    }

    #[test]
    fn a_broken_entry_is_named_with_its_value() {
        for (entry, value) in [
            ("schema_version", "one"),
            ("partition", "2025-02-30"),
            ("partition_by", "week"),
            ("as_of", "yesterday"),
            ("window_to", "2025-01-31T00:00:00Z"),
            ("records_announced", "-1"),
            ("records_written", ""),
            ("simulated", "yes"),
            ("privacy", "yes"),
        ] {
            let error = Footer::from_pairs(with(entry, value)).unwrap_err();
            let FooterError::Invalid { entry: named, value: shown } = error else { panic!("{entry}: {error}") };
            assert_eq!((named, shown.as_str()), (entry, value));
        }
        // A month is named by its first day only.
        let pairs = with("partition_by", "month");
        assert!(matches!(Footer::from_pairs(pairs), Err(FooterError::Invalid { entry: "partition", .. })));
    }

    #[test]
    fn an_entry_that_is_there_twice_is_refused() {
        let twice = example().into_iter().chain([("gong_export.job".to_owned(), "other".to_owned())]);
        assert_eq!(Footer::from_pairs(twice), Err(FooterError::Repeated { entry: "job".into() }));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(footer in footer()) {
            let pairs = footer.to_pairs().into_iter().chain([("other".to_owned(), "thing".to_owned())]);
            prop_assert_eq!(Footer::from_pairs(pairs), Ok(footer));
        }
    }
}
