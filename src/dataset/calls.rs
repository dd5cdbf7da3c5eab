//! `calls`: one row a call.

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Rows, Source, TranscriptInput};
use crate::gong::endpoint::Block;
use crate::gong::model::Drift;

pub static CALLS: Dataset = Dataset {
    name: "calls",
    about: "One row per recorded call: when, how long, by whom, and what Gong made of it.",
    group: Group::Standard,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("scheduled_at", ColumnType::Instant, "planned start. From metaData.scheduled"),
        Column::new(
            "duration_s",
            ColumnType::Int64,
            "length in seconds, as measured from the recording. From metaData.duration",
        ),
        Column::new("title", ColumnType::Text, "title of the call or meeting. From metaData.title")
            .personal(Personal::Text),
        Column::new("url", ColumnType::Text, "page of the call in the Gong application. From metaData.url"),
        Column::new(
            "primary_user_id",
            ColumnType::Text,
            "user who hosted the call; joins users.user_id. From metaData.primaryUserId",
        ),
        Column::new(
            "direction",
            ColumnType::Text,
            "Inbound, Outbound, Conference, Unknown or whatever Gong adds. From metaData.direction",
        ),
        Column::new(
            "system",
            ColumnType::Text,
            "system that recorded the call, such as a conferencing product. From metaData.system",
        ),
        Column::new(
            "scope",
            ColumnType::Text,
            "Internal when all participants are from the company, External, Unknown. From metaData.scope",
        ),
        Column::new("media", ColumnType::Text, "Video or Audio. From metaData.media"),
        Column::new(
            "language",
            ColumnType::Text,
            "ISO 639-2/B code; und is unsupported, zxx too little speech. From metaData.language",
        ),
        Column::new("workspace_id", ColumnType::Text, "workspace that the call is in. From metaData.workspaceId"),
        Column::new("purpose", ColumnType::Text, "purpose of the call. From metaData.purpose"),
        Column::new(
            "sdr_disposition",
            ColumnType::Text,
            "disposition from the dialler or typed by the representative. From metaData.sdrDisposition",
        ),
        Column::new(
            "client_unique_id",
            ColumnType::Text,
            "id of the call in the system that recorded it. From metaData.clientUniqueId",
        ),
        Column::new(
            "custom_data",
            ColumnType::Text,
            "free text given at upload, often JSON, as it is. From metaData.customData",
        )
        .personal(Personal::Text),
        Column::new("meeting_url", ColumnType::Text, "link to join the meeting. From metaData.meetingUrl")
            .personal(Personal::Text),
        Column::new("is_private", ColumnType::Boolean, "whether the call is private in Gong. From metaData.isPrivate"),
        Column::new(
            "calendar_event_id",
            ColumnType::Text,
            "id of the event in the calendar. From metaData.calendarEventId",
        ),
        Column::new("brief", ColumnType::Text, "Gong's summary, may have paragraphs. From content.brief")
            .personal(Personal::Text),
        Column::new("outcome_id", ColumnType::Text, "id of the call's outcome. From content.callOutcome.id"),
        Column::new(
            "outcome_category",
            ColumnType::Text,
            "category of the outcome, such as MEETING_BOOKED. From content.callOutcome.category",
        ),
        Column::new("outcome_name", ColumnType::Text, "name of the outcome. From content.callOutcome.name"),
        Column::new(
            "questions_company_count",
            ColumnType::Int64,
            "number of questions that the company's people asked. From interaction.questions.companyCount",
        ),
        Column::new(
            "questions_non_company_count",
            ColumnType::Int64,
            "number of questions that everybody else asked. From interaction.questions.nonCompanyCount",
        ),
        Column::new(
            "party_count",
            ColumnType::Int64,
            "number of participants; null when Gong sent no list of them. Length of parties",
        ),
        Column::new(
            "has_transcript",
            ColumnType::Boolean,
            "whether Gong returned a transcript; null when the job does not ask for transcripts",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id"],
    order: &["call_started_at", "call_id"],
    partition: PartitionColumn::Call,
    source: Source::Call {
        blocks: &[Block::Parties, Block::Brief, Block::CallOutcome, Block::Questions],
        transcript: false,
        rows,
    },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, _: &mut Drift) {
    let call = input.call;
    let meta = &call.meta;
    rows.text(Some(&meta.id));
    rows.instant(Some(meta.started));
    rows.instant(meta.scheduled);
    rows.int64(meta.duration);
    rows.text(meta.title.as_deref());
    rows.text(meta.url.as_deref());
    rows.text(meta.primary_user_id.as_deref());
    rows.text(meta.direction.as_deref());
    rows.text(meta.system.as_deref());
    rows.text(meta.scope.as_deref());
    rows.text(meta.media.as_deref());
    rows.text(meta.language.as_deref());
    rows.text(meta.workspace_id.as_deref());
    rows.text(meta.purpose.as_deref());
    rows.text(meta.sdr_disposition.as_deref());
    rows.text(meta.client_unique_id.as_deref());
    rows.text(meta.custom_data.as_deref());
    rows.text(meta.meeting_url.as_deref());
    rows.boolean(meta.is_private);
    rows.text(meta.calendar_event_id.as_deref());
    rows.text(call.brief.as_deref());
    let outcome = call.outcome.as_ref();
    rows.text(outcome.and_then(|outcome| outcome.id.as_deref()));
    rows.text(outcome.and_then(|outcome| outcome.category.as_deref()));
    rows.text(outcome.and_then(|outcome| outcome.name.as_deref()));
    let questions = call.questions.as_ref();
    rows.int64(questions.and_then(|questions| questions.company_count));
    rows.int64(questions.and_then(|questions| questions.non_company_count));
    rows.int64(call.parties.as_ref().map(|parties| parties.len() as i64));
    rows.boolean(match input.transcript {
        TranscriptInput::NotAsked => None,
        TranscriptInput::Missing => Some(false),
        TranscriptInput::Present(_) => Some(true),
    });
    rows.text(call.extra_json.as_deref());
}
