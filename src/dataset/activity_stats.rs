//! `activity_stats`: one row a user and day with activity.

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Record, RowsByDay, Source};
use crate::calendar::DateRange;
use crate::gong::endpoint::Operation;
use crate::gong::list::{Days, Extent, List};
use crate::gong::model::{Drift, Rejected, UserActivity};

pub static ACTIVITY_STATS: Dataset = Dataset {
    name: "activity_stats",
    about: "One row per user and day with any activity, a day being one of the company's time zone.",
    group: Group::Standard,
    columns: &[
        Column::new("user_id", ColumnType::Text, "id of the user; joins users.user_id. From userId").required(),
        Column::new("user_email_address", ColumnType::Text, "e-mail address. From userEmailAddress")
            .personal(Personal::Email),
        Column::new("period_start_at", ColumnType::Instant, "when the day begins. From fromDate"),
        Column::new("period_end_at", ColumnType::Instant, "when the day ends, exclusive. From toDate"),
        // In the order of the model's `COUNTERS`.
        counter("calls_as_host", "calls hosted. From callsAsHost"),
        counter("calls_attended", "calls attended, not as the host. From callsAttended"),
        counter("calls_gave_feedback", "calls on which feedback was given. From callsGaveFeedback"),
        counter("calls_requested_feedback", "calls on which feedback was asked for. From callsRequestedFeedback"),
        counter("calls_received_feedback", "calls on which feedback was received. From callsReceivedFeedback"),
        counter("own_calls_listened_to", "own calls listened to. From ownCallsListenedTo"),
        counter("others_calls_listened_to", "calls of others listened to. From othersCallsListenedTo"),
        counter("calls_shared_internally", "calls shared within the company. From callsSharedInternally"),
        counter("calls_shared_externally", "calls shared outside the company. From callsSharedExternally"),
        counter("calls_scorecards_filled", "calls on which a scorecard was filled in. From callsScorecardsFilled"),
        counter("calls_scorecards_received", "calls on which a scorecard was received. From callsScorecardsReceived"),
        counter("calls_comments_given", "calls commented on. From callsCommentsGiven"),
        counter("calls_comments_received", "calls on which a comment was received. From callsCommentsReceived"),
        counter(
            "calls_marked_as_feedback_given",
            "calls marked as having been given feedback. From callsMarkedAsFeedbackGiven",
        ),
        counter(
            "calls_marked_as_feedback_received",
            "calls marked as having received feedback. From callsMarkedAsFeedbackReceived",
        ),
        EXTRA_JSON,
    ],
    key: &["user_id"],
    order: &["user_id"],
    partition: PartitionColumn::Activity,
    source: Source::List { list: &LIST, rows },
};

static LIST: List = List {
    name: "activity_stats",
    operation: &Operation::post(
        "POST /v2/stats/activity/aggregate-by-period",
        "/v2/stats/activity/aggregate-by-period",
        "api:stats:user-actions",
        "usersAggregateActivity",
    ),
    extent: Extent::Days(Days {
        bounds: ["fromDate", "toDate"],
        filter: &[],
        body: &[("aggregationPeriod", "DAY")],
        only_over: true,
        summed_up: false,
    }),
};

const fn counter(name: &'static str, about: &'static str) -> Column {
    Column::new(name, ColumnType::Int64, about)
}

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let user = UserActivity::decode(record.raw, drift)?;
    for day in &user.days {
        let Some(rows) = out.on(day.date) else { continue };
        rows.text(Some(&user.user_id));
        rows.text(user.user_email_address.as_deref());
        rows.instant(Some(day.period_start));
        rows.instant(day.period_end);
        for count in day.counters {
            rows.int64(count);
        }
        rows.text(day.extra_json.as_deref());
        if let Some(period) = day.period_end.and_then(|end| DateRange::new(day.period_start, end)) {
            out.period(day.date, period);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gong::model::activity::COUNTERS;

    #[test]
    fn counters_stand_in_the_models_order() {
        let snake_case = |name: &str| {
            name.chars().fold(String::new(), |snake, c| match c {
                'A'..='Z' => snake + "_" + &c.to_ascii_lowercase().to_string(),
                _ => snake + &c.to_string(),
            })
        };
        let columns = &ACTIVITY_STATS.columns[4..4 + COUNTERS.len()];
        for (column, counter) in columns.iter().zip(COUNTERS) {
            assert_eq!(column.name, snake_case(counter));
            assert!(column.about.ends_with(&format!("From {counter}")), "{}", column.about);
        }
    }
}
