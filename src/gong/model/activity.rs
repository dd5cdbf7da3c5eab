//! One user's activity of `POST /v2/stats/activity/aggregate-by-period`.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};

use super::object::{Object, joined};
use super::{Drift, Rejected};

/// The name of the answer's list, and so the root of this record's paths in [`Drift`].
const PATH: &str = "usersAggregateActivity";
/// The list of days, and what `extra_json` calls the one day of a row.
const DAYS: &str = "userAggregateActivity";

/// Gong's names of the counters. The same act on the same call counts once a day.
pub const COUNTERS: [&str; 15] = [
    "callsAsHost",
    "callsAttended",
    "callsGaveFeedback",
    "callsRequestedFeedback",
    "callsReceivedFeedback",
    "ownCallsListenedTo",
    "othersCallsListenedTo",
    "callsSharedInternally",
    "callsSharedExternally",
    "callsScorecardsFilled",
    "callsScorecardsReceived",
    "callsCommentsGiven",
    "callsCommentsReceived",
    "callsMarkedAsFeedbackGiven",
    "callsMarkedAsFeedbackReceived",
];

#[derive(Debug)]
pub struct UserActivity<'a> {
    pub user_id: Cow<'a, str>,
    pub user_email_address: Option<Cow<'a, str>>,
    pub days: Vec<ActivityDay>,
}

#[derive(Debug)]
pub struct ActivityDay {
    /// The day of `fromDate` on the clock of its own offset, which is the company's.
    pub date: NaiveDate,
    pub period_start: DateTime<Utc>,
    /// Exclusive.
    pub period_end: Option<DateTime<Utc>>,
    /// In the order of [`COUNTERS`].
    pub counters: [Option<i64>; COUNTERS.len()],
    /// The fields that no model knows: the user's own, and the day's under `userAggregateActivity`.
    pub extra_json: Option<String>,
}

impl<'a> UserActivity<'a> {
    /// Decodes one user's days; what is unknown or unexpected is counted in `drift`. A day that
    /// tells no date has no place in any partition, so the record is rejected whole.
    pub fn decode(raw: &'a str, drift: &mut Drift) -> Result<Self, Rejected> {
        let mut user = Object::parse(raw).ok_or_else(|| Rejected::new("the user's activity is not an object"))?;
        let user_id = user
            .id("userId")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Rejected::new("the user's activity has no usable userId"))?;
        let user_email_address = user.text("userEmailAddress");
        let raw_days = user.elements(DAYS);
        if raw_days.is_none() && user.holds(DAYS) {
            return Err(Rejected::new("userAggregateActivity is not a list"));
        }
        let mut days = Vec::new();
        for raw in raw_days.unwrap_or_default() {
            days.push(ActivityDay::decode(raw, drift)?);
        }
        let of_user = user.finish(PATH, drift);
        for day in &mut days {
            day.extra_json = joined(of_user.as_deref(), DAYS, day.extra_json.as_deref());
        }
        Ok(Self { user_id, user_email_address, days })
    }
}

impl ActivityDay {
    fn decode(raw: &str, drift: &mut Drift) -> Result<Self, Rejected> {
        let mut day =
            Object::parse(raw).ok_or_else(|| Rejected::new("a day of userAggregateActivity is not an object"))?;
        let start = day
            .date_time("fromDate")
            .ok_or_else(|| Rejected::new("userAggregateActivity.fromDate is not a date-time with an offset"))?;
        let period_end = day.instant("toDate");
        let counters = COUNTERS.map(|name| day.int64(name));
        let extra_json = day.finish("usersAggregateActivity.userAggregateActivity", drift);
        Ok(Self { date: start.date_naive(), period_start: start.to_utc(), period_end, counters, extra_json })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(raw: &str) -> (UserActivity<'_>, Drift) {
        let mut drift = Drift::default();
        (UserActivity::decode(raw, &mut drift).unwrap(), drift)
    }

    #[test]
    fn a_day_is_the_day_on_the_companys_clock() {
        let (activity, drift) = decode(
            r#"{"userId": "6120044873310295518", "userEmailAddress": "mara@vendor.example", "userAggregateActivity": [
                {"fromDate": "2026-03-08T00:00:00-05:00", "toDate": "2026-03-09T00:00:00-04:00", "callsAsHost": 3},
                {"fromDate": "2026-03-09T00:00:00+14:00", "callsAttended": 1}]}"#,
        );
        assert_eq!(activity.user_id, "6120044873310295518");
        assert_eq!(activity.user_email_address.as_deref(), Some("mara@vendor.example"));
        let [short, east] = &activity.days[..] else { panic!("two days: {activity:?}") };
        assert_eq!(short.date.to_string(), "2026-03-08");
        assert_eq!((short.period_end.unwrap() - short.period_start).num_hours(), 23);
        assert_eq!((short.counters[0], short.counters[1]), (Some(3), None));
        assert_eq!(east.date.to_string(), "2026-03-09");
        assert_eq!(east.period_start.to_rfc3339(), "2026-03-08T10:00:00+00:00");
        assert_eq!((east.period_end, east.counters[1]), (None, Some(1)));
        assert!(drift.is_empty());
    }

    #[test]
    fn unknown_fields_stand_under_their_block() {
        let (activity, drift) = decode(
            r#"{"userId": 7, "team": "a", "userAggregateActivity": [
                {"fromDate": "2026-03-08T00:00:00Z", "callsAsHost": "3", "callsDreamtOf": 1},
                {"fromDate": "2026-03-09T00:00:00Z"}]}"#,
        );
        let extras: Vec<_> = activity.days.iter().map(|day| day.extra_json.as_deref().unwrap()).collect();
        assert_eq!(
            extras,
            [r#"{"team":"a","userAggregateActivity":{"callsAsHost":"3","callsDreamtOf":1}}"#, r#"{"team":"a"}"#]
        );
        assert_eq!(
            drift.unknown_fields.keys().collect::<Vec<_>>(),
            ["usersAggregateActivity.team", "usersAggregateActivity.userAggregateActivity.callsDreamtOf"]
        );
        assert_eq!(
            drift.unexpected_types.keys().collect::<Vec<_>>(),
            ["usersAggregateActivity.userAggregateActivity.callsAsHost"]
        );
        let (activity, _) = decode(
            r#"{"userId": "7", "userAggregateActivity": [{"fromDate": "2026-03-08T00:00:00Z", "callsDreamtOf": 1}]}"#,
        );
        assert_eq!(activity.days[0].extra_json.as_deref(), Some(r#"{"userAggregateActivity":{"callsDreamtOf":1}}"#));
    }

    #[test]
    fn no_days_are_no_days() {
        for raw in [r#"{"userId": "7"}"#, r#"{"userId": "7", "userAggregateActivity": null}"#] {
            assert!(decode(raw).0.days.is_empty());
        }
    }

    #[test]
    fn what_has_no_user_or_no_date_is_rejected() {
        for raw in [
            "7",
            r#"{"userAggregateActivity": []}"#,
            r#"{"userId": "7", "userAggregateActivity": {}}"#,
            r#"{"userId": "7", "userAggregateActivity": [null]}"#,
            r#"{"userId": "7", "userAggregateActivity": [{"callsAsHost": 1}]}"#,
            r#"{"userId": "7", "userAggregateActivity": [{"fromDate": "2026-03-08"}]}"#,
        ] {
            assert!(UserActivity::decode(raw, &mut Drift::default()).is_err(), "{raw}");
        }
    }
}
