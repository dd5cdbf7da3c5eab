//! The simulated company: everything that is true in it, and when it becomes visible.
//!
//! Nothing is stored. A call is computed from the seed, its day and its number on that day; a
//! listing computes the heads of the days it passes through and the bodies of the calls it shows.
//! The heads of a few days are kept, in bounded memory, because the pages of a listing ask for the
//! same day again and again.

pub(crate) mod activity;
pub(crate) mod analysis;
pub(crate) mod call;
pub(crate) mod comments;
pub(crate) mod company;
pub(crate) mod conversation;
pub(crate) mod crm;
pub(crate) mod head;
pub(crate) mod library;
pub(crate) mod logs;
pub(crate) mod names;
pub(crate) mod reviews;
pub(crate) mod staff;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::calendar::start_of_day;
use crate::sim::config::{Config, Invalid};
use crate::sim::ids::{Id, Ids, Kind};
use crate::sim::script::{Intent, Language, Script};
use head::Head;
use staff::Staff;

/// Heads kept in memory, over all days: about 12 MB.
const HEADS_KEPT: usize = 150_000;

/// A simulated Gong account.
#[derive(Debug)]
pub struct World {
    pub(crate) config: Config,
    pub(crate) zone: Tz,
    pub(crate) ids: Ids,
    pub(crate) staff: Staff,
    companies: u32,
    first_day: u32,
    scripts: Vec<(Script, Vec<usize>)>,
    days: Mutex<HashMap<u32, Arc<[Head]>>>,
}

/// Half-open span of microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_us: i64,
    pub(crate) to_us: i64,
}

impl Span {
    pub(crate) const ALWAYS: Self = Self { from_us: i64::MIN, to_us: i64::MAX };

    pub(crate) fn contains(&self, instant_us: i64) -> bool {
        self.from_us <= instant_us && instant_us < self.to_us
    }
}

impl World {
    /// Refuses what [`Config::check`] refuses.
    pub fn new(config: Config) -> Result<Self, Vec<Invalid>> {
        config.check()?;
        let zone = config.timezone.parse().unwrap_or(Tz::UTC);
        let ids = Ids::new(config.seed, config.long_ids);
        let staff = Staff::new(&config);
        let scripts = Language::ALL
            .map(|language| {
                let script = Script::of(language);
                let capacities = Intent::ALL.iter().map(|(intent, _)| script.capacity(*intent)).collect();
                (script, capacities)
            })
            .into();
        Ok(Self {
            zone,
            ids,
            staff,
            companies: (config.calls_per_day * 4).clamp(40, 20_000),
            first_day: head::day_number(config.first_day),
            scripts,
            days: Mutex::default(),
            config,
        })
    }

    /// The switches it was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The time zone of the company.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    pub(crate) fn script(&self, language: Language) -> &Script {
        &self.scripts[language as usize].0
    }

    fn capacity(&self, language: Language, intent: Intent) -> usize {
        self.scripts[language as usize].1[intent as usize]
    }

    pub(crate) fn day_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.zone).date_naive()
    }

    pub(crate) fn call_id(&self, head: &Head) -> Id {
        self.ids.of(Kind::Call, head.day, head.index, 0)
    }

    pub(crate) fn user_id(&self, number: u32) -> Id {
        self.ids.of(Kind::User, 0, number, 0)
    }

    pub(crate) fn workspace_id(&self, number: u32) -> Id {
        self.ids.of(Kind::Workspace, 0, number, 0)
    }

    /// The user with this id.
    pub(crate) fn find_user(&self, id: &str) -> Option<&staff::User> {
        let origin = self.ids.read(id).filter(|origin| origin.kind == Kind::User)?;
        self.staff.users.get(origin.index as usize).filter(|_| origin.day == 0 && origin.part == 0)
    }

    /// The call with this id, visible or not.
    pub(crate) fn find_call(&self, id: &str) -> Option<Head> {
        let origin = self.ids.read(id).filter(|origin| origin.kind == Kind::Call && origin.part == 0)?;
        // No calendar of ours reaches further, and the day could be any 20 bits.
        if origin.day > 100_000 {
            return None;
        }
        self.heads(origin.day).iter().find(|head| head.index == origin.index).copied()
    }

    /// All calls of a day, visible or not, in the order of every listing.
    pub(crate) fn heads(&self, day: u32) -> Arc<[Head]> {
        if day < self.first_day || self.config.empty_account {
            return Arc::default();
        }
        let days = || self.days.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heads) = days().get(&day) {
            return Arc::clone(heads);
        }
        let date = head::day_of_number(day);
        let next = head::day_of_number(day + 1);
        let span = (start_of_day(date, self.zone).timestamp_micros(), start_of_day(next, self.zone).timestamp_micros());
        // Samoa once skipped a whole day.
        let count = if span.0 < span.1 { head::count(self, day, date.weekday().num_days_from_monday()) } else { 0 };
        let mut heads: Vec<Head> = (0..count).map(|index| head::head(self, day, index, span)).collect();
        heads.sort_unstable_by_key(Head::position);
        let heads: Arc<[Head]> = heads.into();
        let mut days = days();
        if days.values().map(|kept| kept.len()).sum::<usize>() + heads.len() > HEADS_KEPT {
            days.clear();
        }
        days.insert(day, Arc::clone(&heads));
        heads
    }

    /// Walks through the calls that start within `span` and are visible at `now`, in order, until
    /// `visit` returns false.
    pub(crate) fn scan(&self, span: Span, now: DateTime<Utc>, mut visit: impl FnMut(&Head) -> bool) {
        let to_us = span.to_us.min(now.timestamp_micros());
        let first_us = start_of_day(head::day_of_number(self.first_day), self.zone).timestamp_micros();
        let from_us = span.from_us.max(first_us);
        if from_us >= to_us {
            return;
        }
        let number = |us| head::day_number(self.day_of(DateTime::from_timestamp_micros(us).unwrap_or_default()));
        for day in number(from_us)..=number(to_us) {
            for head in self.heads(day).iter() {
                if span.contains(head.started_us) && head.is_visible(now) && !visit(head) {
                    return;
                }
            }
        }
    }
}
