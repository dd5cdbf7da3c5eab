//! `POST /v2/stats/activity/scorecards`: answered scorecards.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use super::cursor::Position;
use super::filter::{date, ids};
use super::{Asked, Refusal, Reply};
use crate::calendar::start_of_day;
use crate::sim::ids::Kind;
use crate::sim::world::Span;
use crate::sim::world::reviews::{REVIEW_DAYS_MAX, Review, SCORECARDS};

/// Half-open days of the company; open on sides that were not given.
#[derive(Debug, Clone, Copy)]
struct DayFilter {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

impl DayFilter {
    fn contains(self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day < to)
    }
}

/// Which ways of reviewing are asked for; the default leaves out automatic ones.
fn methods(filter: &Value) -> Result<&'static [&'static str], Refusal> {
    match filter["reviewMethod"].as_str() {
        None if filter["reviewMethod"].is_null() => Ok(&["MANUAL"]),
        Some("MANUAL") => Ok(&["MANUAL"]),
        Some("AUTOMATIC") => Ok(&["AUTOMATIC"]),
        Some("BOTH") => Ok(&["MANUAL", "AUTOMATIC"]),
        _ => Err(Refusal::unreadable()),
    }
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let world = asked.world;
    let filter = asked.filter()?;
    let calls = DayFilter { from: date(&filter["callFromDate"])?, to: date(&filter["callToDate"])? };
    let reviews = DayFilter { from: date(&filter["reviewFromDate"])?, to: date(&filter["reviewToDate"])? };
    let methods = methods(filter)?;
    let reviewed = ids(filter, "reviewedUserIds")?;
    let scorecards = ids(filter, "scorecardIds")?;
    let paging = asked.paging()?;

    let midnight = |day: NaiveDate| start_of_day(day, world.zone).timestamp_micros();
    let earliest = reviews.from.map(|day| day - Days::new(REVIEW_DAYS_MAX as u64));
    let span = Span {
        from_us: calls.from.max(earliest).map_or(i64::MIN, midnight),
        to_us: [calls.to, reviews.to].into_iter().flatten().min().map_or(i64::MAX, midnight),
    };
    let mut found: Vec<(Position, Review)> = Vec::new();
    world.scan(span, asked.now, |head| {
        if let Some(review) = world.review(head, asked.now).filter(|_| !world.config.blind_key)
            && calls.contains(world.day_of(head.started()))
            && reviews.contains(world.day_of(review.time))
            && methods.contains(&method(&review))
            && reviewed.as_ref().is_none_or(|ids| ids.contains(&world.user_id(head.host).to_string()))
            && scorecards.as_ref().is_none_or(|ids| ids.contains(&scorecard_id(asked, &review)))
        {
            found.push((head.position(), review));
        }
        true
    });
    if found.is_empty() {
        return Err(Refusal::new(404, "No answered scorecards found corresponding to the provided filters."));
    }
    let cut = paging.cut(asked, found);
    Ok(paging.reply(asked, "answeredScorecards", &cut, |json, review| json.raw(write(asked, review)), |_| ()))
}

fn method(review: &Review) -> &'static str {
    if review.reviewer.is_some() { "MANUAL" } else { "AUTOMATIC" }
}

fn scorecard_id(asked: &Asked<'_>, review: &Review) -> String {
    asked.world.ids.of(Kind::Scorecard, 0, review.scorecard as u32, 0).to_string()
}

fn write(asked: &Asked<'_>, review: &Review) -> Value {
    let world = asked.world;
    let scorecard = &SCORECARDS[review.scorecard];
    let answers = review.answers.iter().map(|answer| {
        let (number, place) = (review.scorecard as u32, answer.question as u32);
        json!({
            "questionId": world.ids.of(Kind::Question, 0, number, place).to_string(),
            "questionRevisionId": world.ids.of(Kind::QuestionRevision, 0, number, place).to_string(),
            "isOverall": scorecard.questions[answer.question].is_overall, "score": answer.score,
            "answerText": answer.text, "notApplicable": answer.not_applicable, "selectedOptions": null,
        })
    });
    let visibility = ["PUBLIC", "MANAGERS_AND_REVIEWEE", "PRIVATE"][review.head.index as usize % 3];
    let user = |number: u32| world.user_id(number).to_string();
    json!({
        "answeredScorecardId": review.id.to_string(), "scorecardId": scorecard_id(asked, review),
        "scorecardName": scorecard.name, "callId": world.call_id(&review.head).to_string(),
        "callStartTime": asked.local(review.head.started_us, review.head.fraction_digits),
        "reviewedUserId": user(review.head.host), "reviewerUserId": review.reviewer.map(user),
        "reviewMethod": method(review), "editorUserId": review.reviewer.filter(|_| review.edited).map(user),
        "reviewTime": asked.local(review.time.timestamp_micros(), 3),
        "visibilityType": visibility,
        "answers": answers.collect::<Vec<Value>>(),
    })
}
