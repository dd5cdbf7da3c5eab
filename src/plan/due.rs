//! What a run has to do about each partition, from what stands there. Pure.
//!
//! A partition is *settled* when its file was read from Gong long enough after the partition's end
//! that nothing is expected to change any more, and no transcript is awaited. A run exports what has
//! no file or is not settled. So the first run backfills, each night refreshes the last days and
//! whatever is missing, a missed night heals itself, and a widened range is filled in.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::{Partition, start_of_day};
use crate::dataset::{Dataset, PartitionColumn};
use crate::state::coverage::Standing;
use crate::state::footer::FooterError;
use crate::state::privacy_note::PrivacyNote;

/// When a partition is worth another look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh {
    /// How long after a partition's end its records may still change.
    pub settle: TimeDelta,
    /// How long after a partition's end its transcripts are waited for.
    pub transcripts_wait: TimeDelta,
    /// Whether settled partitions are exported, too.
    pub full: bool,
}

/// What the judgement of a partition depends on besides its file.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    pub refresh: Refresh,
    pub now: DateTime<Utc>,
    /// The job's zone, which days of calls are in.
    pub zone: Tz,
    /// Which calls the job chooses, as a footer has it.
    pub selection: &'a str,
    /// How the job treats personal data, as a footer has it.
    pub privacy: &'a PrivacyNote,
    /// Whether the source is the simulator.
    pub simulated: bool,
    /// When the first of the interrupted runs began that this one takes up: what was read since is
    /// fresh.
    pub resumes: Option<DateTime<Utc>>,
}

/// What to do about one partition of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Due(Due),
    /// Only whether awaited transcripts have come has to be asked.
    Awaiting {
        calls: u64,
    },
    NotDue(NotDue),
    /// Its file must not be replaced.
    Blocked(Blocked),
}

/// Why a partition is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// There is no file.
    Missing,
    /// It was read too soon after its end, or before, to be final.
    Unsettled,
    /// Every run of a day takes the day's snapshot.
    Snapshot,
    /// The job chose other calls when it was written.
    OtherSelection,
    /// The job treated personal data otherwise when it was written: other pseudonyms, or none.
    OtherPrivacy,
    /// The file cannot be read any more.
    Damaged,
    /// Settled by itself; another dataset that is made from the same listing is due.
    Companion,
    /// Settled by itself; the interrupted run that is taken up wrote another file of the same listing
    /// and not this one.
    Torn,
    /// Everything is exported, as asked.
    FullRefresh,
}

/// Why a partition is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDue {
    /// Read long enough after its end.
    Settled,
    /// Read by the interrupted run that this one takes up.
    Fresh,
}

/// Why a file must not be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    Strange(FooterError),
    /// Simulated and real data must not meet in one place.
    OtherSource {
        simulated: bool,
    },
    /// Another file that is made from the same listing is blocked.
    Companion,
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strange(error) => write!(f, "{error}"),
            Self::Companion => f.write_str("another file of the same listing must not be replaced"),
            Self::OtherSource { simulated: true } => f.write_str("it holds simulated data, and the job's are real"),
            Self::OtherSource { simulated: false } => f.write_str("it holds real data, and the job's are simulated"),
        }
    }
}

impl Verdict {
    /// One word for tables and programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Due(Due::Missing) => "missing",
            Self::Due(Due::Unsettled) => "unsettled",
            Self::Due(Due::Snapshot) => "snapshot",
            Self::Due(Due::OtherSelection) => "other_selection",
            Self::Due(Due::OtherPrivacy) => "other_privacy",
            Self::Due(Due::Damaged) => "damaged",
            Self::Due(Due::Companion) => "companion",
            Self::Due(Due::Torn) => "torn",
            Self::Due(Due::FullRefresh) => "full_refresh",
            Self::Awaiting { .. } => "awaiting_transcripts",
            Self::NotDue(NotDue::Settled) => "settled",
            Self::NotDue(NotDue::Fresh) => "fresh",
            Self::Blocked(_) => "blocked",
        }
    }
}

/// What it means, for people.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Due(Due::Missing) => f.write_str("there is no file"),
            Self::Due(Due::Unsettled) => f.write_str("read too soon after its end to be final"),
            Self::Due(Due::Snapshot) => f.write_str("every run takes the day's snapshot"),
            Self::Due(Due::OtherSelection) => f.write_str("written with another choice of calls or another time zone"),
            Self::Due(Due::OtherPrivacy) => f.write_str("written with other pseudonyms, or other users left out"),
            Self::Due(Due::Damaged) => f.write_str("the file cannot be read"),
            Self::Due(Due::Companion) => f.write_str("settled; another dataset of the same listing is due"),
            Self::Due(Due::Torn) => {
                f.write_str("the interrupted run wrote another file of the same listing, not this one")
            }
            Self::Due(Due::FullRefresh) => f.write_str("settled; exported again as asked"),
            Self::Awaiting { calls } => write!(f, "settled but for {calls} transcripts, which are asked for"),
            Self::NotDue(NotDue::Settled) => f.write_str("settled"),
            Self::NotDue(NotDue::Fresh) => f.write_str("read by the interrupted run that is taken up"),
            Self::Blocked(why) => write!(f, "{why}"),
        }
    }
}

impl Circumstances<'_> {
    /// Judges one partition by its file, if there is one.
    pub fn judge(&self, dataset: &Dataset, partition: Partition, standing: Option<&Standing>) -> Verdict {
        let footer = match standing {
            None => return Verdict::Due(Due::Missing),
            Some(Standing::Damaged(_)) => return Verdict::Due(Due::Damaged),
            Some(Standing::Strange(error)) => return Verdict::Blocked(Blocked::Strange(error.clone())),
            Some(Standing::Ours(footer)) => footer,
        };
        if footer.simulated != self.simulated {
            return Verdict::Blocked(Blocked::OtherSource { simulated: footer.simulated });
        }
        // Of every dataset: one that kept an original would undo what the others hide.
        if !footer.privacy.fits(self.privacy) {
            return Verdict::Due(Due::OtherPrivacy);
        }
        // What is about calls hangs on which of them the job chooses, if only by whether they are private.
        if dataset.is_about_calls() && footer.selection != self.selection {
            return Verdict::Due(Due::OtherSelection);
        }
        // Events are cut into days of the job's zone. Beside days of another one, some would be in two
        // files and others in none.
        if dataset.partition == PartitionColumn::Event && footer.window != partition.span(self.zone) {
            return Verdict::Due(Due::OtherSelection);
        }
        if self.resumes.is_some_and(|begin| begin <= footer.as_of) {
            return Verdict::NotDue(NotDue::Fresh);
        }
        if self.refresh.full {
            return Verdict::Due(Due::FullRefresh);
        }
        let end = match dataset.partition {
            PartitionColumn::Snapshot => return Verdict::Due(Due::Snapshot),
            PartitionColumn::Call | PartitionColumn::Event => partition.span(self.zone).to(),
            // The company's zone is not known here, so the latest end on earth stands in.
            PartitionColumn::Activity | PartitionColumn::Review => {
                start_of_day(partition.next().first_day(), Tz::UTC) + TimeDelta::hours(12)
            }
        };
        if footer.as_of < end + self.refresh.settle {
            return Verdict::Due(Due::Unsettled);
        }
        if footer.transcripts_awaited > 0 && self.now < end + self.refresh.transcripts_wait {
            return Verdict::Awaiting { calls: footer.transcripts_awaited };
        }
        Verdict::NotDue(NotDue::Settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{DateRange, PartitionBy};
    use crate::dataset::{ACTIVITY_STATS, CALLS, USERS, find};
    use crate::state::footer::{Footer, SCHEMA_VERSION};
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day() -> Partition {
        Partition::of_day("2026-01-05".parse().unwrap(), PartitionBy::Day)
    }

    fn circumstances() -> Circumstances<'static> {
        Circumstances {
            refresh: Refresh { settle: TimeDelta::days(7), transcripts_wait: TimeDelta::days(30), full: false },
            now: at("2026-01-20T03:00:00Z"),
            zone: Tz::UTC,
            selection: "{}",
            privacy: &PrivacyNote::NONE,
            simulated: false,
            resumes: None,
        }
    }

    fn footer(as_of: &str, awaited: u64) -> Footer {
        Footer {
            tool_version: "0.1.0".into(),
            schema_version: SCHEMA_VERSION,
            job: "nightly".into(),
            run_id: "r".into(),
            dataset: "calls".into(),
            partition: day(),
            as_of: at(as_of),
            window: DateRange::new(at("2026-01-05T00:00:00Z"), at("2026-01-06T00:00:00Z")).unwrap(),
            records_announced: Some(1),
            records_written: 1,
            records_withheld: 0,
            checksum: "x".into(),
            transcripts_awaited: awaited,
            oldest_awaited: None,
            simulated: false,
            selection: "{}".into(),
            privacy: PrivacyNote::default(),
        }
    }

    fn judged(circumstances: Circumstances<'_>, footer: Footer) -> Verdict {
        circumstances.judge(&CALLS, day(), Some(&Standing::Ours(Box::new(footer))))
    }

    #[test]
    fn a_partition_settles_after_its_days() {
        let normal = circumstances();
        assert_eq!(normal.judge(&CALLS, day(), None), Verdict::Due(Due::Missing));
        assert_eq!(judged(normal, footer("2026-01-12T23:59:59Z", 0)), Verdict::Due(Due::Unsettled));
        assert_eq!(judged(normal, footer("2026-01-13T00:00:00Z", 0)), Verdict::NotDue(NotDue::Settled));
        let full = Circumstances { refresh: Refresh { full: true, ..normal.refresh }, ..normal };
        assert_eq!(judged(full, footer("2026-01-19T00:00:00Z", 0)), Verdict::Due(Due::FullRefresh));
    }

    #[test]
    fn transcripts_are_waited_for_and_then_no_more() {
        let normal = circumstances();
        assert_eq!(judged(normal, footer("2026-01-13T00:00:00Z", 2)), Verdict::Awaiting { calls: 2 });
        let later = Circumstances { now: at("2026-02-05T00:00:00Z"), ..normal };
        assert_eq!(judged(later, footer("2026-01-13T00:00:00Z", 2)), Verdict::NotDue(NotDue::Settled));
    }

    #[test]
    fn what_an_interrupted_run_read_is_fresh() {
        let resuming = Circumstances { resumes: Some(at("2026-01-08T03:00:00Z")), ..circumstances() };
        assert_eq!(judged(resuming, footer("2026-01-08T03:00:01Z", 0)), Verdict::NotDue(NotDue::Fresh));
        assert_eq!(judged(resuming, footer("2026-01-08T02:59:59Z", 0)), Verdict::Due(Due::Unsettled));
    }

    #[test]
    fn another_choice_of_calls_is_due_and_another_source_is_blocked() {
        let other = Footer { selection: r#"{"hosts":["1"]}"#.into(), ..footer("2026-01-19T00:00:00Z", 0) };
        assert_eq!(judged(circumstances(), other.clone()), Verdict::Due(Due::OtherSelection));
        let standing = Standing::Ours(Box::new(other));
        assert_eq!(
            circumstances().judge(&ACTIVITY_STATS, day(), Some(&standing)),
            Verdict::NotDue(NotDue::Settled),
            "activity is of all users"
        );
        assert_eq!(
            circumstances().judge(find("answered_scorecards").unwrap(), day(), Some(&standing)),
            Verdict::Due(Due::OtherSelection),
            "reviews may be of private calls"
        );
        let simulated = Footer { simulated: true, ..footer("2026-01-19T00:00:00Z", 0) };
        assert_eq!(judged(circumstances(), simulated), Verdict::Blocked(Blocked::OtherSource { simulated: true }));
        let strange = Standing::Strange(FooterError::Foreign);
        assert_eq!(
            circumstances().judge(&CALLS, day(), Some(&strange)),
            Verdict::Blocked(Blocked::Strange(FooterError::Foreign))
        );
        let damaged = Standing::Damaged("x".into());
        assert_eq!(circumstances().judge(&CALLS, day(), Some(&damaged)), Verdict::Due(Due::Damaged));
    }

    #[test]
    fn events_of_days_of_another_zone_are_due() {
        let logs = find("logs").unwrap();
        let standing = Standing::Ours(Box::new(footer("2026-01-19T00:00:00Z", 0)));
        let judge = |zone| Circumstances { zone, ..circumstances() }.judge(logs, day(), Some(&standing));
        assert_eq!(judge(Tz::UTC), Verdict::NotDue(NotDue::Settled));
        assert_eq!(judge(chrono_tz::America::New_York), Verdict::Due(Due::OtherSelection));
    }

    #[test]
    fn other_pseudonyms_make_every_dataset_due() {
        let privacy = PrivacyNote { excluded_users: Some("x".into()), ..PrivacyNote::NONE };
        let settled = footer("2026-01-19T00:00:00Z", 0);
        let standing = Standing::Ours(Box::new(settled.clone()));
        let wanted = Circumstances { privacy: &privacy, ..circumstances() };
        let resuming = Circumstances { resumes: Some(at("2026-01-18T00:00:00Z")), ..wanted };
        for dataset in [&CALLS, &ACTIVITY_STATS, &USERS] {
            assert_eq!(wanted.judge(dataset, day(), Some(&standing)), Verdict::Due(Due::OtherPrivacy));
            assert_eq!(resuming.judge(dataset, day(), Some(&standing)), Verdict::Due(Due::OtherPrivacy));
        }
        let done = Footer { privacy: privacy.clone(), ..settled };
        assert_eq!(judged(wanted, done), Verdict::NotDue(NotDue::Settled));
    }

    #[test]
    fn todays_snapshot_is_taken_by_every_run() {
        let standing = Standing::Ours(Box::new(footer("2026-01-19T00:00:00Z", 0)));
        let judge = |c: Circumstances<'_>| c.judge(&USERS, day(), Some(&standing));
        assert_eq!(judge(circumstances()), Verdict::Due(Due::Snapshot));
        let resuming = Circumstances { resumes: Some(at("2026-01-18T00:00:00Z")), ..circumstances() };
        assert_eq!(judge(resuming), Verdict::NotDue(NotDue::Fresh));
    }

    proptest! {
        /// Nights of any rhythm settle every partition for good, and not before its time.
        #[test]
        fn nights_settle_everything(gaps_h in prop::collection::vec(1i64..200, 1..80), settle in 0i64..20) {
            let mut c = circumstances();
            c.refresh.settle = TimeDelta::days(settle);
            let end = day().span(Tz::UTC).to();
            let mut standing: Option<Standing> = None;
            let mut now = at("2026-01-05T10:00:00Z");
            for gap in gaps_h {
                c.now = now;
                let settled = standing.as_ref().is_some_and(|s| matches!(s, Standing::Ours(f) if f.as_of >= end + c.refresh.settle));
                match c.judge(&CALLS, day(), standing.as_ref()) {
                    Verdict::Due(_) => {
                        prop_assert!(!settled);
                        standing = Some(Standing::Ours(Box::new(Footer { as_of: now, ..footer("2026-01-05T00:00:00Z", 0) })));
                    }
                    verdict => {
                        prop_assert_eq!(verdict, Verdict::NotDue(NotDue::Settled));
                        prop_assert!(settled);
                    }
                }
                now += TimeDelta::hours(gap);
            }
        }
    }
}
