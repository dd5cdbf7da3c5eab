//! `/v2/stats/activity/aggregate`, `…/aggregate-by-period` and `…/day-by-day`.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use serde_json::Value;

use super::cursor::Position;
use super::filter::{date, ids};
use super::{Asked, Refusal, Reply};
use crate::calendar::start_of_day;
use crate::sim::json::Json;
use crate::sim::world::activity::{ACTS, Acts};
use crate::sim::world::head::{day_number, day_of_number};

/// Days in the company's zone, half-open, and the users asked for.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    /// By number; unknown ones are dropped.
    users: Option<Vec<u32>>,
    named: Vec<String>,
}

impl Range {
    pub(super) fn read(asked: &Asked<'_>) -> Result<Self, Refusal> {
        let filter = asked.filter()?;
        let (from, to) = (date(&filter["fromDate"])?, date(&filter["toDate"])?);
        let named = ids(filter, "userIds")?;
        let from = from.ok_or_else(|| Refusal::invalid("filter.fromDate: may not be null"))?;
        let to = to.ok_or_else(|| Refusal::invalid("filter.toDate: may not be null"))?;
        if from >= to {
            return Err(Refusal::invalid("filter.fromDate: must be before toDate"));
        }
        if to > asked.world.day_of(asked.now) {
            return Err(Refusal::invalid("filter.toDate: must not be after the current day"));
        }
        let users = named
            .as_ref()
            .map(|named| named.iter().filter_map(|id| asked.world.find_user(id)).map(|user| user.number).collect());
        Ok(Self { from, to, users, named: named.unwrap_or_default() })
    }

    pub(super) fn wants(&self, user: u32) -> bool {
        self.users.as_ref().is_none_or(|users| users.contains(&user))
    }

    pub(super) fn days(&self) -> std::ops::Range<u32> {
        day_number(self.from)..day_number(self.to)
    }

    pub(super) fn nothing(&self) -> Refusal {
        let error = if self.named.is_empty() {
            "No activity found corresponding to the provided filters".to_owned()
        } else {
            format!("No activity found for the following userIds: {}", self.named.join(", "))
        };
        Refusal::new(404, error)
    }

    /// Ends the answer with the range as instants and the company's zone.
    pub(super) fn write(&self, asked: &Asked<'_>, json: &mut Json) {
        json.text_field("fromDateTime", &midnight(asked, self.from));
        json.text_field("toDateTime", &midnight(asked, self.to));
        json.text_field("timeZone", &asked.world.config.timezone);
    }
}

fn midnight(asked: &Asked<'_>, day: NaiveDate) -> String {
    asked.local(start_of_day(day, asked.world.zone).timestamp_micros(), 0)
}

/// Counters of one user, by the first day of each period.
type Counted = BTreeMap<NaiveDate, [u32; 15]>;

/// Counts the acts of every user who did something, in periods of which `period` tells the first day.
fn count(asked: &Asked<'_>, range: &Range, period: impl Fn(NaiveDate) -> NaiveDate) -> BTreeMap<u32, Counted> {
    let mut users: BTreeMap<u32, Counted> = BTreeMap::new();
    for day in range.days() {
        let first = period(day_of_number(day)).max(range.from);
        for (number, acts) in asked.world.acts_of_day(day, asked.now).into_iter().enumerate() {
            let number = number as u32;
            let Some(acts) = acts.filter(|_| range.wants(number)) else { continue };
            let counters = users.entry(number).or_default().entry(first).or_default();
            for (counter, calls) in counters.iter_mut().zip(acts.iter()) {
                *counter += calls.len() as u32;
            }
        }
    }
    users
}

fn write_counters(json: &mut Json, counters: &[u32; 15]) {
    for (name, count) in ACTS.iter().zip(counters) {
        json.raw_field(name, count);
    }
}

/// Opens the record of a user, which the caller closes.
pub(super) fn open_user(asked: &Asked<'_>, json: &mut Json, number: u32) {
    json.open_object();
    json.id_field("userId", asked.world.user_id(number));
    json.text_field("userEmailAddress", &asked.world.staff.user(number).email);
}

fn listed<T>(users: BTreeMap<u32, T>) -> Vec<(Position, (u32, T))> {
    users.into_iter().map(|(number, stats)| ((i64::from(number), 0), (number, stats))).collect()
}

pub(super) fn aggregate(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let range = Range::read(asked)?;
    let paging = asked.paging()?;
    let users = count(asked, &range, |_| range.from);
    if users.is_empty() {
        return Err(range.nothing());
    }
    let cut = paging.cut(asked, listed(users));
    let write = |json: &mut Json, (number, counted): &(u32, Counted)| {
        open_user(asked, json, *number);
        json.key("userAggregateActivityStats");
        json.open_object();
        for counters in counted.values() {
            write_counters(json, counters);
        }
        json.close_object();
        json.close_object();
    };
    Ok(paging.reply(asked, "usersAggregateActivityStats", &cut, write, |json| range.write(asked, json)))
}

/// The first day of the period that a day is in, and of the one after it.
fn period_of(name: &str, day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let month = |year, month| NaiveDate::from_ymd_opt(year, month, 1);
    let months = |count: u32| {
        let first = day.month0() / count * count;
        let next = first + count;
        Some((month(day.year(), first + 1)?, month(day.year() + i32::from(next > 11), next % 12 + 1)?))
    };
    match name {
        "DAY" => Some((day, day + Days::new(1))),
        "WEEK" => {
            let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
            Some((monday, monday + Days::new(7)))
        }
        "MONTH" => months(1),
        "QUARTER" => months(3),
        "YEAR" => months(12),
        _ => None,
    }
}

pub(super) fn by_period(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let period = match &asked.body["aggregationPeriod"] {
        Value::Null => return Err(Refusal::invalid("aggregationPeriod: must not be null")),
        Value::String(name) if period_of(name, NaiveDate::default()).is_some() => name.as_str(),
        _ => return Err(Refusal::unreadable()),
    };
    let range = Range::read(asked)?;
    let paging = asked.paging()?;
    let bounds = |day| period_of(period, day).unwrap_or((day, day));
    let users = count(asked, &range, |day| bounds(day).0);
    if users.is_empty() {
        return Err(range.nothing());
    }
    let cut = paging.cut(asked, listed(users));
    let write = |json: &mut Json, (number, counted): &(u32, Counted)| {
        open_user(asked, json, *number);
        json.key("userAggregateActivity");
        json.open_array();
        for (first, counters) in counted {
            json.open_object();
            write_counters(json, counters);
            json.text_field("fromDate", &midnight(asked, *first));
            json.text_field("toDate", &midnight(asked, bounds(*first).1.min(range.to)));
            if asked.world.config.unknown_fields {
                json.raw_field("callsSummarized", counters[0]);
            }
            json.close_object();
        }
        json.close_array();
        json.close_object();
    };
    Ok(paging.reply(asked, "usersAggregateActivity", &cut, write, |_| ()))
}

pub(super) fn day_by_day(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let range = Range::read(asked)?;
    let paging = asked.paging()?;
    let mut users: BTreeMap<u32, BTreeMap<u32, Box<Acts>>> = BTreeMap::new();
    for day in range.days() {
        for (number, acts) in asked.world.acts_of_day(day, asked.now).into_iter().enumerate() {
            if let Some(acts) = acts.filter(|_| range.wants(number as u32)) {
                users.entry(number as u32).or_default().insert(day, acts);
            }
        }
    }
    if users.is_empty() {
        return Err(range.nothing());
    }
    let cut = paging.cut(asked, listed(users));
    let idle = Box::<Acts>::default();
    let write = |json: &mut Json, (number, days): &(u32, BTreeMap<u32, Box<Acts>>)| {
        open_user(asked, json, *number);
        json.key("userDailyActivityStats");
        json.open_array();
        for day in range.days() {
            let acts = days.get(&day).unwrap_or(&idle);
            json.open_object();
            for (name, calls) in ACTS.iter().zip(acts.iter()) {
                json.key(name);
                json.open_array();
                for index in calls {
                    let id = asked.world.ids.of(crate::sim::ids::Kind::Call, day, *index, 0);
                    json.text(&id.to_string());
                }
                json.close_array();
            }
            json.text_field("fromDate", &midnight(asked, day_of_number(day)));
            json.text_field("toDate", &midnight(asked, day_of_number(day + 1)));
            json.close_object();
        }
        json.close_array();
        json.close_object();
    };
    Ok(paging.reply(asked, "usersDetailedActivities", &cut, write, |_| ()))
}
