//! One call of `POST /v2/calls/extensive`.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::object::Object;
use super::{Drift, Element, Rejected};

/// The name of the answer's list, and so the root of this record's paths in [`Drift`].
const PATH: &str = "calls";

/// The cheap first look: what decides whether a call is wanted and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallHead {
    pub id: String,
    pub started: DateTime<Utc>,
    /// Also true when Gong says it in a way that is not understood: a private call shown cannot be
    /// taken back, one left out can be fetched again.
    pub is_private: bool,
}

impl CallHead {
    pub fn decode(raw: &str) -> Result<Self, Rejected> {
        let mut call = Object::parse(raw).ok_or_else(|| Rejected::new("the call is not an object"))?;
        call.object("metaData", |meta| {
            Ok(Self {
                id: id(meta)?.into_owned(),
                started: started(meta)?,
                is_private: meta.raw("isPrivate").is_some_and(|sent| sent != "false"),
            })
        })
        .unwrap_or_else(|| Err(Rejected::new("the call has no metaData object")))
    }
}

/// A call and the blocks that were asked for. A block that is missing, because Gong left it out or
/// it was not asked for, is `None`.
#[derive(Debug)]
pub struct Call<'a> {
    pub meta: MetaData<'a>,
    /// In the order sent. An element that is not an object is a party of nulls, so that positions
    /// hold.
    pub parties: Option<Vec<Party<'a>>>,
    /// `content.brief`
    pub brief: Option<Cow<'a, str>>,
    /// `content.callOutcome`
    pub outcome: Option<Outcome<'a>>,
    /// `interaction.questions`
    pub questions: Option<Questions>,
    /// `interaction.speakers`
    pub speakers: Option<Vec<Speaker<'a>>>,
    pub blocks: Blocks<'a>,
    /// The fields that no model knows, under their own block names.
    pub extra_json: Option<String>,
}

/// `metaData`: the 20 fields of `GET /v2/calls`.
#[derive(Debug)]
pub struct MetaData<'a> {
    /// Up to 20 digits.
    pub id: Cow<'a, str>,
    pub url: Option<Cow<'a, str>>,
    pub title: Option<Cow<'a, str>>,
    /// The planned start.
    pub scheduled: Option<DateTime<Utc>>,
    /// The start of the recording.
    pub started: DateTime<Utc>,
    /// Seconds.
    pub duration: Option<i64>,
    /// The user who hosted.
    pub primary_user_id: Option<Cow<'a, str>>,
    pub direction: Option<Cow<'a, str>>,
    pub system: Option<Cow<'a, str>>,
    pub scope: Option<Cow<'a, str>>,
    pub media: Option<Cow<'a, str>>,
    /// ISO 639-2/B; `und` unsupported, `zxx` too little speech.
    pub language: Option<Cow<'a, str>>,
    pub workspace_id: Option<Cow<'a, str>>,
    pub sdr_disposition: Option<Cow<'a, str>>,
    pub client_unique_id: Option<Cow<'a, str>>,
    /// Free text given at upload, often JSON inside a string.
    pub custom_data: Option<Cow<'a, str>>,
    pub purpose: Option<Cow<'a, str>>,
    pub meeting_url: Option<Cow<'a, str>>,
    pub is_private: Option<bool>,
    pub calendar_event_id: Option<Cow<'a, str>>,
}

/// One participant.
#[derive(Debug)]
pub struct Party<'a> {
    /// Unique in the call.
    pub id: Option<Cow<'a, str>>,
    pub email_address: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
    pub title: Option<Cow<'a, str>>,
    /// Only of people who are Gong users.
    pub user_id: Option<Cow<'a, str>>,
    /// Only of people who spoke: what transcripts name them by.
    pub speaker_id: Option<Cow<'a, str>>,
    pub affiliation: Option<Cow<'a, str>>,
    pub phone_number: Option<Cow<'a, str>>,
    /// `methods` as compact JSON.
    pub methods_json: Option<Cow<'a, str>>,
    /// `context` as sent: the CRM objects linked to this party.
    pub context: Option<&'a str>,
    /// The fields that no model knows; a party that is not an object is here whole, as `party`.
    pub extra_json: Option<String>,
}

/// `content.callOutcome`
#[derive(Debug)]
pub struct Outcome<'a> {
    pub id: Option<Cow<'a, str>>,
    pub category: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
}

/// `interaction.questions`: how many were asked by which side.
#[derive(Debug)]
pub struct Questions {
    pub company_count: Option<i64>,
    pub non_company_count: Option<i64>,
}

/// One element of `interaction.speakers`.
#[derive(Debug)]
pub struct Speaker<'a> {
    /// The id of a party, not the speaker id that transcripts use.
    pub id: Option<Cow<'a, str>>,
    pub user_id: Option<Cow<'a, str>>,
    /// Seconds.
    pub talk_time: Option<f64>,
}

/// The other documented parts, as sent: known, hence no `extra_json`, and left to whoever needs
/// them. `media` holds signed URLs, which must never be stored.
#[derive(Debug, Default)]
pub struct Blocks<'a> {
    pub context: Option<&'a str>,
    pub structure: Option<&'a str>,
    pub topics: Option<&'a str>,
    pub trackers: Option<&'a str>,
    pub outline: Option<&'a str>,
    pub highlights: Option<&'a str>,
    pub key_points: Option<&'a str>,
    pub interaction_stats: Option<&'a str>,
    pub video: Option<&'a str>,
    pub public_comments: Option<&'a str>,
    pub media: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// Decodes one call; what is unknown or unexpected in it is counted in `drift`.
    pub fn decode(raw: &'a str, drift: &mut Drift) -> Result<Self, Rejected> {
        let mut call = Object::parse(raw).ok_or_else(|| Rejected::new("the call is not an object"))?;
        let meta = call
            .object("metaData", MetaData::read)
            .unwrap_or_else(|| Err(Rejected::new("the call has no metaData object")))?;
        let mut blocks = Blocks { context: call.raw("context"), media: call.raw("media"), ..Blocks::default() };
        let parties = call.elements("parties");
        let (mut brief, mut outcome) = (None, None);
        call.object("content", |content| {
            brief = content.text("brief");
            outcome = content.object("callOutcome", Outcome::read);
            blocks.structure = content.raw("structure");
            blocks.topics = content.raw("topics");
            blocks.trackers = content.raw("trackers");
            blocks.outline = content.raw("outline");
            blocks.highlights = content.raw("highlights");
            blocks.key_points = content.raw("keyPoints");
        });
        let (mut questions, mut speakers) = (None, None);
        call.object("interaction", |interaction| {
            questions = interaction.object("questions", Questions::read);
            speakers = interaction.list("speakers", Speaker::read);
            blocks.interaction_stats = interaction.raw("interactionStats");
            blocks.video = interaction.raw("video");
        });
        call.object("collaboration", |collaboration| {
            blocks.public_comments = collaboration.raw("publicComments");
        });
        let parties = parties.map(|parties| parties.into_iter().map(|party| Party::decode(party, drift)).collect());
        let extra_json = call.finish(PATH, drift);
        Ok(Self { meta, parties, brief, outcome, questions, speakers, blocks, extra_json })
    }
}

impl<'a> MetaData<'a> {
    fn read(meta: &mut Object<'a>) -> Result<Self, Rejected> {
        Ok(Self {
            id: id(meta)?,
            url: meta.text("url"),
            title: meta.text("title"),
            scheduled: meta.instant("scheduled"),
            started: started(meta)?,
            duration: meta.int64("duration"),
            primary_user_id: meta.id("primaryUserId"),
            direction: meta.text("direction"),
            system: meta.text("system"),
            scope: meta.text("scope"),
            media: meta.text("media"),
            language: meta.text("language"),
            workspace_id: meta.id("workspaceId"),
            sdr_disposition: meta.text("sdrDisposition"),
            client_unique_id: meta.id("clientUniqueId"),
            custom_data: meta.text("customData"),
            purpose: meta.text("purpose"),
            meeting_url: meta.text("meetingUrl"),
            is_private: meta.boolean("isPrivate"),
            calendar_event_id: meta.id("calendarEventId"),
        })
    }
}

impl<'a> Party<'a> {
    fn decode(raw: &'a str, drift: &mut Drift) -> Self {
        let mut element = Element::read(raw);
        let party = &mut element.object;
        Self {
            id: party.id("id"),
            email_address: party.text("emailAddress"),
            name: party.text("name"),
            title: party.text("title"),
            user_id: party.id("userId"),
            speaker_id: party.id("speakerId"),
            affiliation: party.text("affiliation"),
            phone_number: party.text("phoneNumber"),
            methods_json: party.list_json("methods"),
            context: party.raw("context"),
            extra_json: element.finish("party", "calls.parties", drift),
        }
    }
}

impl<'a> Outcome<'a> {
    fn read(outcome: &mut Object<'a>) -> Self {
        Self { id: outcome.id("id"), category: outcome.text("category"), name: outcome.text("name") }
    }
}

impl Questions {
    fn read(questions: &mut Object<'_>) -> Self {
        Self { company_count: questions.int64("companyCount"), non_company_count: questions.int64("nonCompanyCount") }
    }
}

impl<'a> Speaker<'a> {
    fn read(speaker: &mut Object<'a>) -> Self {
        Self { id: speaker.id("id"), user_id: speaker.id("userId"), talk_time: speaker.double("talkTime") }
    }
}

fn id<'a>(meta: &mut Object<'a>) -> Result<Cow<'a, str>, Rejected> {
    meta.id("id").filter(|id| !id.is_empty()).ok_or_else(|| Rejected::new("the call has no usable metaData.id"))
}

fn started(meta: &mut Object<'_>) -> Result<DateTime<Utc>, Rejected> {
    meta.instant("started").ok_or_else(|| Rejected::new("metaData.started is not a date-time with an offset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(raw: &str) -> (Call<'_>, Drift) {
        let mut drift = Drift::default();
        (Call::decode(raw, &mut drift).unwrap(), drift)
    }

    fn with_meta(fields: &str) -> String {
        format!(r#"{{"metaData": {{"id": "1", "started": "2026-03-02T10:00:00Z", {fields}}}}}"#)
    }

    #[test]
    fn the_head_tells_id_start_and_privacy() {
        let raw = r#"{"content": {}, "metaData": {"started": "2026-03-02T10:00:00.5-05:00", "id": 9007199254740993}}"#;
        let head = CallHead::decode(raw).unwrap();
        assert_eq!((head.id.as_str(), head.is_private), ("9007199254740993", false));
        assert_eq!(head.started.to_rfc3339(), "2026-03-02T15:00:00.500+00:00");
    }

    #[test]
    fn privacy_that_is_not_understood_is_privacy() {
        let is_private = |fields| CallHead::decode(&with_meta(fields)).unwrap().is_private;
        assert!(!is_private(r#""isPrivate": false"#));
        assert!(!is_private(r#""isPrivate": null"#));
        assert!(is_private(r#""isPrivate": true"#));
        assert!(is_private(r#""isPrivate": "no""#));
    }

    #[test]
    fn without_id_or_start_a_call_is_rejected() {
        let reason = |raw: &str| {
            let head = CallHead::decode(raw).unwrap_err();
            assert_eq!(Call::decode(raw, &mut Drift::default()).unwrap_err(), head);
            head.to_string()
        };
        assert_eq!(reason("[]"), "the call is not an object");
        assert_eq!(reason(r#"{"metaData": "Mara"}"#), "the call has no metaData object");
        assert_eq!(
            reason(r#"{"metaData": {"started": "2026-03-02T10:00:00Z"}}"#),
            "the call has no usable metaData.id"
        );
        assert_eq!(reason(r#"{"metaData": {"id": ""}}"#), "the call has no usable metaData.id");
        for started in ["null", "1772445697", "\"2026-03-02T10:00:00\""] {
            assert_eq!(
                reason(&format!(r#"{{"metaData": {{"id": "1", "started": {started}}}}}"#)),
                "metaData.started is not a date-time with an offset"
            );
        }
    }

    #[test]
    fn a_block_of_another_type_is_missing_and_kept() {
        let raw = r#"{"metaData": {"id": "1", "started": "2026-03-02T10:00:00Z"}, "parties": "x", "content": [],
            "interaction": {"speakers": 5, "questions": [ ]}, "collaboration": false}"#;
        let (call, drift) = decode(raw);
        assert!(call.parties.is_none() && call.questions.is_none() && call.speakers.is_none() && call.brief.is_none());
        assert_eq!(
            call.extra_json.as_deref(),
            Some(concat!(
                r#"{"parties":"x","content":[],"interaction":{"speakers":5,"questions":[]},"#,
                r#""collaboration":false}"#
            ))
        );
        assert!(drift.unknown_fields.is_empty());
        assert_eq!(
            drift.unexpected_types.keys().collect::<Vec<_>>(),
            [
                "calls.collaboration",
                "calls.content",
                "calls.interaction.questions",
                "calls.interaction.speakers",
                "calls.parties"
            ]
        );
    }

    #[test]
    fn what_later_datasets_need_is_kept_as_sent_and_is_not_extra() {
        let raw = r#"{"metaData": {"id": "1", "started": "2026-03-02T10:00:00Z"}, "context": [ ],
            "parties": [{"context": [1]}], "media": {"audioUrl": "https://media.example/signed", "new": 1},
            "content": {"structure": [], "topics": [{ }], "trackers": [], "outline": [], "highlights": [],
                "keyPoints": [], "callOutcome": null},
            "interaction": {"interactionStats": [], "video": []}, "collaboration": {"publicComments": []}}"#;
        let (call, drift) = decode(raw);
        assert_eq!(call.blocks.context, Some("[ ]"));
        assert_eq!(call.blocks.topics, Some("[{ }]"));
        assert_eq!(call.blocks.public_comments, Some("[]"));
        assert_eq!(call.parties.unwrap()[0].context, Some("[1]"));
        assert!(call.outcome.is_none());
        assert_eq!(call.extra_json, None);
        assert!(drift.is_empty());
    }

    #[test]
    fn drift_is_counted_by_path() {
        let raw = r#"{"metaData": {"id": "1", "started": "2026-03-02T10:00:00Z", "duration": 12.5, "newField": 1,
                "title": "a", "title": "b\ud83d"},
            "parties": [{"methods": "Invitee", "new": 1}, {"new": 2}, []],
            "interaction": {"speakers": [{"id": "a", "talkTime": 1, "pace": 3}]}}"#;
        let (call, drift) = decode(raw);
        assert_eq!((call.meta.duration, call.meta.title.as_deref()), (None, Some("b\u{fffd}")));
        assert_eq!(
            call.extra_json.as_deref(),
            Some(concat!(
                r#"{"metaData":{"duration":12.5,"newField":1,"title":"a"},"#,
                r#""interaction":{"speakers":[{"pace":3}]}}"#
            ))
        );
        let counts = |counts: &std::collections::BTreeMap<String, u64>| {
            counts.iter().map(|(path, count)| format!("{path} {count}")).collect::<Vec<_>>()
        };
        assert_eq!(
            counts(&drift.unknown_fields),
            [
                "calls.interaction.speakers.pace 1",
                "calls.metaData.newField 1",
                "calls.metaData.title 1",
                "calls.parties.new 2"
            ]
        );
        assert_eq!(
            counts(&drift.unexpected_types),
            ["calls.metaData.duration 1", "calls.parties 1", "calls.parties.methods 1"]
        );
        assert_eq!(drift.replaced_characters, 1);
    }
}
