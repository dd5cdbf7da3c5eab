//! `activity_calls`: one row a user, day, activity and call.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Record, RowsByDay, Source};
use crate::calendar::DateRange;
use crate::gong::endpoint::Operation;
use crate::gong::list::{Days, Extent, List};
use crate::gong::model::{Drift, Object, Rejected, joined};

pub(super) static ACTIVITY_CALLS: Dataset = Dataset {
    name: "activity_calls",
    about: "One row per user, day, activity and call that it was about, a day being one of the company's time zone.",
    group: Group::Stats,
    columns: &[
        Column::new("user_id", ColumnType::Text, "id of the user; joins users.user_id. From userId").required(),
        Column::new(
            "activity",
            ColumnType::Text,
            "what the user did, by Gong's name of it: callsAsHost, callsAttended, ownCallsListenedTo, … From the \
             names in userDailyActivityStats[]",
        )
        .required(),
        Column::new(
            "call_id",
            ColumnType::Text,
            "the call; joins calls.call_id, though it may be older than the calls exported. From the lists in \
             userDailyActivityStats[]",
        )
        .required(),
        Column::new("user_email_address", ColumnType::Text, "e-mail address. From userEmailAddress")
            .personal(Personal::Email),
        EXTRA_JSON,
    ],
    key: &["user_id", "activity", "call_id"],
    order: &["user_id", "activity", "call_id"],
    partition: PartitionColumn::Activity,
    source: Source::List { list: &LIST, rows },
};

static LIST: List = List {
    name: "activity_calls",
    operation: &Operation::post(
        "POST /v2/stats/activity/day-by-day",
        "/v2/stats/activity/day-by-day",
        "api:stats:user-actions:detailed",
        "usersDetailedActivities",
    ),
    extent: Extent::Days(Days {
        bounds: ["fromDate", "toDate"],
        filter: &[],
        body: &[],
        only_over: true,
        summed_up: false,
    }),
};

/// The list of days, and what `extra_json` calls the one day of a row.
const DAYS: &str = "userDailyActivityStats";

struct Day<'a> {
    date: NaiveDate,
    period: Option<DateRange>,
    /// Every list of ids that the day has: Gong adds activities without notice.
    activities: Vec<(String, Vec<Cow<'a, str>>)>,
    extra_json: Option<String>,
}

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let mut user = Object::parse(record.raw).ok_or_else(|| Rejected::new("the user's activities are not an object"))?;
    let user_id = user
        .id("userId")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Rejected::new("the user's activities have no usable userId"))?;
    let email_address = user.text("userEmailAddress");
    let elements = user.elements(DAYS);
    if elements.is_none() && user.holds(DAYS) {
        return Err(Rejected::new("userDailyActivityStats is not a list"));
    }
    let days: Vec<_> =
        elements.unwrap_or_default().into_iter().map(|raw| Day::decode(raw, drift)).collect::<Result<_, _>>()?;
    let of_user = user.finish("usersDetailedActivities", drift);
    for day in days {
        let Some(rows) = out.on(day.date) else { continue };
        let extra = joined(of_user.as_deref(), DAYS, day.extra_json.as_deref());
        for (activity, call_ids) in &day.activities {
            for call_id in call_ids {
                rows.text(Some(&user_id));
                rows.text(Some(activity));
                rows.text(Some(call_id));
                rows.text(email_address.as_deref());
                rows.text(extra.as_deref());
            }
        }
        if let Some(period) = day.period {
            out.period(day.date, period);
        }
    }
    Ok(())
}

impl<'a> Day<'a> {
    fn decode(raw: &'a str, drift: &mut Drift) -> Result<Self, Rejected> {
        let mut day =
            Object::parse(raw).ok_or_else(|| Rejected::new("a day of userDailyActivityStats is not an object"))?;
        let start = day
            .date_time("fromDate")
            .ok_or_else(|| Rejected::new("userDailyActivityStats.fromDate is not a date-time with an offset"))?;
        let period = day.instant("toDate").and_then(|end| DateRange::new(start.to_utc(), end));
        let activities = day.id_lists();
        let extra_json = day.finish("usersDetailedActivities.userDailyActivityStats", drift);
        Ok(Self { date: start.date_naive(), period, activities, extra_json })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{list_table, rejected};
    use super::*;
    use serde_json::json;

    const USER: &str = r#"{"userId": "7", "userEmailAddress": "mara@vendor.example", "userDailyActivityStats": [
        {"fromDate": "2026-03-01T00:00:00-05:00", "toDate": "2026-03-02T00:00:00-05:00", "callsAsHost": ["1"]},
        {"fromDate": "2026-03-02T00:00:00-05:00", "toDate": "2026-03-03T00:00:00-05:00", "callsGaveFeedback": [],
         "callsAsHost": ["4718820935511072244", 12], "callsHummed": ["12"], "callsAttended": "12", "mood": {"a": 1}}]}"#;

    #[test]
    fn a_call_of_an_activity_is_a_row_known_or_not() {
        let extra = r#"{"userDailyActivityStats":{"callsAttended":"12","mood":{"a":1}}}"#;
        let row = |activity: &str, call: &str| {
            json!({"user_id": "7", "activity": activity, "call_id": call,
                   "user_email_address": "mara@vendor.example", "extra_json": extra})
        };
        assert_eq!(
            list_table(&ACTIVITY_CALLS, &[USER], "2026-03-02"),
            [row("callsAsHost", "12"), row("callsAsHost", "4718820935511072244"), row("callsHummed", "12")]
        );
        let of_the_first = list_table(&ACTIVITY_CALLS, &[USER], "2026-03-01");
        assert_eq!((of_the_first.len(), &of_the_first[0]["extra_json"]), (1, &json!(null)));
    }

    #[test]
    fn what_has_no_user_or_no_day_is_rejected() {
        for raw in [
            "7",
            r#"{"userDailyActivityStats": []}"#,
            r#"{"userId": "7", "userDailyActivityStats": 5}"#,
            r#"{"userId": "7", "userDailyActivityStats": [null]}"#,
            r#"{"userId": "7", "userDailyActivityStats": [{"callsAsHost": ["1"]}]}"#,
        ] {
            rejected(&ACTIVITY_CALLS, raw);
        }
    }
}
