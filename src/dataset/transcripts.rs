//! `transcripts`: one row a sentence.

use super::column::{CALL_ID, CALL_STARTED_AT};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Rows, Source, TranscriptInput};
use crate::gong::endpoint::Block;
use crate::gong::model::{Call, Drift, Party};

pub static TRANSCRIPTS: Dataset = Dataset {
    name: "transcripts",
    about: "One row per spoken sentence, with its speaker looked up among the call's participants.",
    group: Group::Standard,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("sentence_index", ColumnType::Int64, "position of the sentence in the call, from 0").required(),
        Column::new(
            "monologue_index",
            ColumnType::Int64,
            "position in the call, from 0, of the monologue: what one speaker said in one go",
        )
        .required(),
        Column::new(
            "start_ms",
            ColumnType::Int64,
            "when the sentence begins, in milliseconds from the start of the call. From sentences[].start",
        ),
        Column::new(
            "end_ms",
            ColumnType::Int64,
            "when the sentence ends, in milliseconds from the start of the call. From sentences[].end",
        ),
        Column::new(
            "speaker_id",
            ColumnType::Text,
            "the monologue's speaker; joins parties.speaker_id within the call. From transcript[].speakerId",
        ),
        Column::new(
            "speaker_name",
            ColumnType::Text,
            "name of the first participant with this speaker_id; null when there is none",
        )
        .personal(Personal::Name),
        Column::new(
            "speaker_user_id",
            ColumnType::Text,
            "user id of that participant, set for Gong users only; joins users.user_id",
        ),
        Column::new("speaker_affiliation", ColumnType::Text, "affiliation of that participant: Internal, External, …"),
        Column::new("topic", ColumnType::Text, "Gong's topic of the monologue. From transcript[].topic"),
        Column::new("text", ColumnType::Text, "what was said. From sentences[].text").personal(Personal::Text),
    ],
    key: &["call_id", "sentence_index"],
    order: &["call_started_at", "call_id", "sentence_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Parties], transcript: true, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, _: &mut Drift) {
    let TranscriptInput::Present(transcript) = input.transcript else { return };
    let call = input.call;
    let speakers = speakers(call);
    let mut sentence_index = 0;
    for (monologue, monologue_index) in transcript.monologues.iter().zip(0..) {
        let speaker = monologue.speaker_id.as_deref().and_then(|id| speaker(&speakers, id));
        for sentence in &monologue.sentences {
            rows.text(Some(&call.meta.id));
            rows.instant(Some(call.meta.started));
            rows.int64(Some(sentence_index));
            rows.int64(Some(monologue_index));
            rows.int64(sentence.start_ms);
            rows.int64(sentence.end_ms);
            rows.text(monologue.speaker_id.as_deref());
            rows.text(speaker.and_then(|party| party.name.as_deref()));
            rows.text(speaker.and_then(|party| party.user_id.as_deref()));
            rows.text(speaker.and_then(|party| party.affiliation.as_deref()));
            rows.text(monologue.topic.as_deref());
            rows.text(sentence.text.as_deref());
            sentence_index += 1;
        }
    }
}

/// The participants, sorted by the id that transcripts use. Where several share one, the first is
/// taken: a row names one speaker.
fn speakers<'a>(call: &'a Call<'_>) -> Vec<(&'a str, &'a Party<'a>)> {
    let parties = call.parties.iter().flatten();
    let mut speakers: Vec<_> = parties.filter_map(|party| Some((party.speaker_id.as_deref()?, party))).collect();
    // An empty id is nobody's.
    speakers.retain(|(id, _)| !id.is_empty());
    speakers.sort_by_key(|(id, _)| *id);
    speakers.dedup_by_key(|(id, _)| *id);
    speakers
}

fn speaker<'a>(speakers: &[(&str, &'a Party<'a>)], id: &str) -> Option<&'a Party<'a>> {
    speakers.binary_search_by_key(&id, |(id, _)| id).ok().map(|index| speakers[index].1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::call_table;
    use super::*;
    use crate::gong::model::{Drift, Transcript};
    use serde_json::json;

    #[test]
    fn sentences_without_a_known_speaker_stay() {
        let call = json!({
            "metaData": {"id": "1", "started": "2026-03-02T10:00:00Z"},
            "parties": [{"name": "Nobody", "speakerId": ""}, {"name": "First", "speakerId": "7"},
                        {"name": "Second", "speakerId": "7"}],
        })
        .to_string();
        let sentences = json!([{"text": "a"}, {"text": "b"}]);
        let transcript = json!({"callId": "1", "transcript": [
            {"speakerId": null, "sentences": sentences}, {"speakerId": "", "sentences": sentences},
            {"speakerId": "8", "sentences": []}, {"speakerId": 7, "sentences": sentences}]})
        .to_string();
        let transcript = Transcript::decode(&transcript, &mut Drift::default()).unwrap();
        let rows = call_table(&TRANSCRIPTS, &call, TranscriptInput::Present(&transcript));
        let cells: Vec<_> = rows
            .iter()
            .map(|row| {
                json!([
                    row["sentence_index"],
                    row["monologue_index"],
                    row["speaker_id"],
                    row["speaker_name"],
                    row["text"]
                ])
            })
            .collect();
        assert_eq!(
            cells,
            [
                json!([0, 0, null, null, "a"]),
                json!([1, 0, null, null, "b"]),
                json!([2, 1, "", null, "a"]),
                json!([3, 1, "", null, "b"]),
                json!([4, 3, "7", "First", "a"]),
                json!([5, 3, "7", "First", "b"]),
            ]
        );
    }

    #[test]
    fn no_transcript_no_rows() {
        let call = r#"{"metaData": {"id": "1", "started": "2026-03-02T10:00:00Z"}}"#;
        assert!(call_table(&TRANSCRIPTS, call, TranscriptInput::Missing).is_empty());
        assert!(call_table(&TRANSCRIPTS, call, TranscriptInput::NotAsked).is_empty());
    }
}
