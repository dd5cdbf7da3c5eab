//! `call_tracker_occurrences`: one row a place in a call where a tracker was met.

use std::borrow::Cow;

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Call, Drift, Element};

const PATH: &str = "calls.content.trackers";
const OWN_PATH: &str = "calls.content.trackers.occurrences";
const PHRASES_PATH: &str = "calls.content.trackers.phrases";
const PHRASE_PATH: &str = "calls.content.trackers.phrases.occurrences";

pub(super) static CALL_TRACKER_OCCURRENCES: Dataset = Dataset {
    name: "call_tracker_occurrences",
    about: "One row per place in a call where a tracker or one of its phrases was met. Gong has them since 2023.",
    group: Group::Content,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new(
            "tracker_index",
            ColumnType::Int64,
            "position in the call's list of trackers, from 0; with call_id it joins call_trackers",
        )
        .required(),
        Column::new(
            "occurrence_index",
            ColumnType::Int64,
            "position among the tracker's occurrences in this call, from 0: its own first, then those of its phrases",
        )
        .required(),
        Column::new(
            "phrase",
            ColumnType::Text,
            "what was said; null when the tracker does not say. From content.trackers[].phrases[].phrase",
        ),
        Column::new(
            "start_s",
            ColumnType::Double,
            "when it was said, in seconds from the start of the call. From occurrences[].startTime",
        ),
        Column::new(
            "speaker_id",
            ColumnType::Text,
            "who said it; joins parties.speaker_id within the call. From occurrences[].speakerId",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id", "tracker_index", "occurrence_index"],
    order: &["call_started_at", "call_id", "tracker_index", "occurrence_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::TrackerOccurrences], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let trackers = Element::list(input.call.blocks.trackers, PATH, drift);
    for (mut tracker, tracker_index) in trackers.into_iter().zip(0..) {
        let mut occurrences = Occurrences { call: input.call, rows, tracker_index, next_index: 0 };
        for mut own in Element::list(tracker.object.raw("occurrences"), OWN_PATH, drift) {
            let (start_s, speaker_id) = take(&mut own);
            let rest = own.finish("occurrence", OWN_PATH, drift);
            occurrences.row(None, start_s, speaker_id.as_deref(), rest);
        }
        for mut phrase in Element::list(tracker.object.raw("phrases"), PHRASES_PATH, drift) {
            let text = phrase.object.text("phrase");
            // That of a phrase is the number of its occurrences.
            phrase.object.int64("count");
            let found = phrase.object.raw("occurrences");
            let is_foreign = phrase.is_foreign();
            let phrase_rest = phrase.finish("phrase", PHRASES_PATH, drift);
            for mut said in Element::list(found, PHRASE_PATH, drift) {
                let (start_s, speaker_id) = take(&mut said);
                let rest = said.finish_inside(phrase_rest.as_deref(), "occurrences", PHRASE_PATH, drift);
                occurrences.row(text.as_deref(), start_s, speaker_id.as_deref(), rest);
            }
            if is_foreign {
                occurrences.row(None, None, None, phrase_rest);
            }
        }
        // The other fields of a tracker are for `call_trackers` to keep.
        if tracker.is_foreign() {
            occurrences.row(None, None, None, tracker.finish("tracker", PATH, drift));
        }
    }
}

fn take<'a>(occurrence: &mut Element<'a>) -> (Option<f64>, Option<Cow<'a, str>>) {
    (occurrence.object.double("startTime"), occurrence.object.id("speakerId"))
}

/// The rows of one tracker.
struct Occurrences<'r, 'a> {
    call: &'r Call<'a>,
    rows: &'r mut Rows,
    tracker_index: i64,
    next_index: i64,
}

impl Occurrences<'_, '_> {
    fn row(&mut self, phrase: Option<&str>, start_s: Option<f64>, speaker_id: Option<&str>, rest: Option<String>) {
        let Self { call, rows, tracker_index, next_index } = self;
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.int64(Some(*tracker_index));
        rows.int64(Some(*next_index));
        rows.text(phrase);
        rows.double(start_s);
        rows.text(speaker_id);
        rows.text(rest.as_deref());
        *next_index += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_trackers_own_occurrences_come_before_those_of_its_phrases() {
        let at = |start: f64| json!({"startTime": start, "speakerId": "7"});
        let (rows, drift) = cells(
            &CALL_TRACKER_OCCURRENCES,
            json!({"content": {"trackers": [
                {"id": "1", "occurrences": [at(301.4), {"startTime": 2, "speakerId": null}], "new": 1, "phrases": [
                    {"count": 2, "phrase": "Acorn", "occurrences": [at(301.4), at(9.0)]},
                    {"count": 0, "phrase": "Beacon", "occurrences": []}]},
                {"id": "2", "occurrences": [], "phrases": null},
                {"id": "3", "phrases": [{"phrase": "pilot", "occurrences": [at(5.5)]}]}]}}),
        );
        assert_eq!(
            rows,
            [
                json!([0, 0, null, 301.4, "7", null]),
                json!([0, 1, null, 2.0, null, null]),
                json!([0, 2, "Acorn", 301.4, "7", null]),
                json!([0, 3, "Acorn", 9.0, "7", null]),
                json!([2, 0, "pilot", 5.5, "7", null]),
            ]
        );
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn what_is_odd_is_kept_where_it_was_sent() {
        let (rows, drift) = cells(
            &CALL_TRACKER_OCCURRENCES,
            json!({"content": {"trackers": ["x", {"occurrences": [7, {"startTime": "0:07"}], "phrases": [
                "Acorn", {"phrase": "Beacon", "tone": 1, "occurrences": [{"startTime": 1.5}, {"end": 2}, null]},
                {"phrase": "none", "tone": 2}]}]}}),
        );
        assert_eq!(
            rows,
            [
                json!([0, 0, null, null, null, r#"{"tracker":"x"}"#]),
                json!([1, 0, null, null, null, r#"{"occurrence":7}"#]),
                json!([1, 1, null, null, null, r#"{"startTime":"0:07"}"#]),
                json!([1, 2, null, null, null, r#"{"phrase":"Acorn"}"#]),
                json!([1, 3, "Beacon", 1.5, null, r#"{"tone":1}"#]),
                json!([1, 4, "Beacon", null, null, r#"{"tone":1,"occurrences":{"end":2}}"#]),
                json!([1, 5, "Beacon", null, null, r#"{"tone":1}"#]),
            ]
        );
        let unknown: Vec<_> = drift.unknown_fields.into_iter().collect();
        assert_eq!(
            unknown,
            [
                ("calls.content.trackers.phrases.occurrences.end".to_owned(), 1),
                ("calls.content.trackers.phrases.tone".to_owned(), 2)
            ]
        );
        assert_eq!(
            drift.unexpected_types.keys().collect::<Vec<_>>(),
            [PATH, OWN_PATH, "calls.content.trackers.occurrences.startTime", PHRASES_PATH]
        );
        assert!(cells(&CALL_TRACKER_OCCURRENCES, json!({"content": {"trackers": []}})).0.is_empty());
    }
}
