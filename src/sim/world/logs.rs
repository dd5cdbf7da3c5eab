//! What the account's audit log holds.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::World;
use super::head::day_number;
use crate::calendar::start_of_day;
use crate::sim::rng::{Rng, Stream};
use crate::sim::world::head::day_of_number;

/// Kinds of log, by the names of the API.
pub(crate) const LOG_TYPES: [&str; 5] =
    ["AccessLog", "UserActivityLog", "UserCallPlay", "ExternallySharedCallAccess", "ExternallySharedCallPlay"];

#[derive(Debug)]
pub(crate) struct LogEntry {
    pub(crate) time: DateTime<Utc>,
    /// `None`: somebody from outside.
    pub(crate) user: Option<u32>,
    pub(crate) impersonator: Option<u32>,
    pub(crate) record: Value,
}

impl World {
    /// The entries of one kind within `from` and `to`, oldest first. Accesses are kept for 14 days.
    pub(crate) fn logs(
        &self,
        kind: usize,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Vec<LogEntry> {
        let to = to.min(now);
        let kept_since = if kind == 0 { now - TimeDelta::days(14) } else { DateTime::UNIX_EPOCH };
        let from = from.max(kept_since);
        let mut entries = Vec::new();
        if from >= to {
            return entries;
        }
        let (first, last) = (day_number(self.day_of(from)).max(self.first_day), day_number(self.day_of(to)));
        for day in first..=last {
            let mut rng = Rng::new(self.config.seed, Stream::Log, &[kind as u64, u64::from(day)]);
            let count = if kind == 0 { self.staff.users.len() / 2 + 1 } else { rng.below(5) as usize };
            let midnight = start_of_day(day_of_number(day), self.zone);
            for _ in 0..count {
                let time = midnight + TimeDelta::milliseconds(rng.between(6 * 3_600_000, 20 * 3_600_000));
                let number = rng.index(self.staff.users.len()) as u32;
                let is_impersonated = rng.chance(0.02);
                let record = self.log_record(kind, day, &mut rng);
                let is_inside = kind < 3;
                if from <= time && time < to && (!is_inside || self.staff.user(number).works_at(time)) {
                    entries.push(LogEntry {
                        time,
                        user: is_inside.then_some(number),
                        impersonator: (is_impersonated && is_inside && number != 0).then_some(0),
                        record,
                    });
                }
            }
        }
        entries.sort_by_key(|entry| entry.time);
        entries
    }

    fn log_record(&self, kind: usize, day: u32, rng: &mut Rng) -> Value {
        let heads = self.heads(day);
        let call = heads.get(rng.index(heads.len())).map(|head| self.call_id(head).to_string());
        let address = format!("203.0.113.{}", rng.below(255));
        match kind {
            0 => {
                json!({ "method": "GET", "path": "/home", "remoteAddress": address, "headers": { "accept": ["text/html"] } })
            }
            1 => json!({
                "action": rng.pick(&["UPDATE_SETTINGS", "CREATE_FOLDER", "EXPORT_REPORT"]),
                "changes": [{ "field": "name", "before": null, "after": "Price talks" }],
            }),
            2 => json!({ "callId": call, "playedSeconds": rng.below(1800), "device": "Browser" }),
            _ => json!({ "callId": call, "remoteAddress": address, "viewer": { "known": false } }),
        }
    }
}
