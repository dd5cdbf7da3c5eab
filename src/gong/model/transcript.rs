//! One call's transcript of `POST /v2/calls/transcript`.
//!
//! Sentences are by far the most numerous things of an export, so a transcript that is exactly as
//! documented is decoded in one typed pass that borrows its texts. Anything else in it (a field more,
//! a duplicate, another type, half a surrogate pair) ends that pass, and the same record is read
//! again field by field, as calls and users are, into the same types.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::object::Object;
use super::{Drift, Rejected};

/// The name of the answer's list, and so the root of this record's paths in [`Drift`].
const PATH: &str = "callTranscripts";

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Transcript<'a> {
    #[serde(borrow)]
    pub call_id: Cow<'a, str>,
    /// By time, as sent; people may speak at once.
    #[serde(borrow, rename = "transcript")]
    pub monologues: Vec<Monologue<'a>>,
}

/// What one speaker said until another one began.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Monologue<'a> {
    /// The `speaker_id` of a party, if any has it.
    #[serde(borrow, default, deserialize_with = "optional_text")]
    pub speaker_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "optional_text")]
    pub topic: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub sentences: Vec<Sentence<'a>>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence<'a> {
    /// Milliseconds from the start of the call.
    #[serde(rename = "start")]
    pub start_ms: Option<i64>,
    /// Milliseconds from the start of the call.
    #[serde(rename = "end")]
    pub end_ms: Option<i64>,
    #[serde(borrow, default, deserialize_with = "optional_text")]
    pub text: Option<Cow<'a, str>>,
}

impl<'a> Transcript<'a> {
    /// Decodes one transcript; what is unknown or unexpected in it is counted in `drift`, and only
    /// there.
    pub fn decode(raw: &'a str, drift: &mut Drift) -> Result<Self, Rejected> {
        let transcript = match serde_json::from_str(raw) {
            Ok(transcript) => transcript,
            Err(_) => Self::decode_patiently(raw, drift)?,
        };
        if transcript.call_id.is_empty() {
            return Err(Rejected::new("the transcript has no usable callId"));
        }
        Ok(transcript)
    }

    fn decode_patiently(raw: &'a str, drift: &mut Drift) -> Result<Self, Rejected> {
        let mut record = Object::parse(raw).ok_or_else(|| Rejected::new("the transcript is not an object"))?;
        let call_id = record.id("callId").unwrap_or_default();
        let monologues = record.list("transcript", |monologue| Monologue {
            speaker_id: monologue.id("speakerId"),
            topic: monologue.text("topic"),
            sentences: monologue
                .list("sentences", |sentence| Sentence {
                    start_ms: sentence.int64("start"),
                    end_ms: sentence.int64("end"),
                    text: sentence.text("text"),
                })
                .unwrap_or_default(),
        });
        // Without its list nothing of it would be left, and nothing of it would be kept.
        if monologues.is_none() && record.holds("transcript") {
            return Err(Rejected::new("transcript is not a list"));
        }
        record.finish(PATH, drift);
        Ok(Self { call_id, monologues: monologues.unwrap_or_default() })
    }
}

/// A string or null, borrowed wherever it has no escapes. (What serde derives for an optional `Cow`
/// always copies.)
fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    struct TextVisitor;

    impl<'de> Visitor<'de> for TextVisitor {
        type Value = Option<Cow<'de, str>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or null")
        }

        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_str(self)
        }

        fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Borrowed(text)))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(text.to_owned())))
        }
    }

    deserializer.deserialize_option(TextVisitor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const RECORD: &str = r#"{"callId": "4718820935511072244", "transcript": [
        {"speakerId": "1047735529981160423", "topic": "Small Talk", "sentences": [
            {"start": 1240, "end": 2980, "text": "Thanks for \"making\" the time."},
            {"start": 3010, "end": 4470, "text": ""}]},
        {"speakerId": null, "topic": null, "sentences": []}]}"#;

    fn decode(raw: &str) -> (Transcript<'_>, Drift) {
        let mut drift = Drift::default();
        (Transcript::decode(raw, &mut drift).unwrap(), drift)
    }

    #[test]
    fn a_documented_transcript_is_borrowed() {
        let (transcript, drift) = decode(RECORD);
        assert!(drift.is_empty());
        assert!(matches!(transcript.call_id, Cow::Borrowed("4718820935511072244")));
        let [first, second] = &transcript.monologues[..] else { panic!("two monologues: {transcript:?}") };
        assert!(matches!(first.speaker_id, Some(Cow::Borrowed("1047735529981160423"))));
        assert!(matches!(first.topic, Some(Cow::Borrowed("Small Talk"))));
        assert_eq!((first.sentences[0].start_ms, first.sentences[0].end_ms), (Some(1240), Some(2980)));
        assert_eq!(first.sentences[0].text.as_deref(), Some("Thanks for \"making\" the time."));
        assert!(matches!(first.sentences[1].text, Some(Cow::Borrowed(""))));
        assert_eq!((second.speaker_id.as_ref(), second.topic.as_ref(), second.sentences.len()), (None, None, 0));
    }

    proptest! {
        #[test]
        fn both_ways_of_reading_agree(
            monologues in prop::collection::vec(
                (any::<Option<String>>(), prop::collection::vec((any::<Option<i64>>(), any::<Option<String>>()), 0..4)),
                0..4,
            ),
        ) {
            let monologues: Vec<_> = monologues.into_iter().map(|(topic, sentences)| {
                let sentences: Vec<_> =
                    sentences.into_iter().map(|(start, text)| json!({"start": start, "text": text})).collect();
                json!({"speakerId": "1", "topic": topic, "sentences": sentences})
            }).collect();
            let raw = json!({"callId": "1", "transcript": monologues}).to_string();
            let (quick, mut drift) = decode(&raw);
            prop_assert!(serde_json::from_str::<Transcript<'_>>(&raw).is_ok());
            prop_assert_eq!(Transcript::decode_patiently(&raw, &mut drift).unwrap(), quick);
            prop_assert!(drift.is_empty());
        }
    }

    #[test]
    fn what_is_new_is_counted_and_the_sentences_stay() {
        let raw = RECORD
            .replace("\"topic\": null", "\"language\": \"eng\"")
            .replace("{\"start\"", "{\"confidence\": 1, \"start\"")
            .replace("{\"callId\"", "{\"version\": 2, \"callId\"");
        let (transcript, drift) = decode(&raw);
        assert_eq!(transcript, decode(RECORD).0);
        let counted: Vec<_> = drift.unknown_fields.iter().map(|(path, count)| (path.as_str(), *count)).collect();
        assert_eq!(
            counted,
            [
                ("callTranscripts.transcript.language", 1),
                ("callTranscripts.transcript.sentences.confidence", 2),
                ("callTranscripts.version", 1),
            ]
        );
    }

    #[test]
    fn other_types_are_read_where_they_can_be_and_null_where_not() {
        let (transcript, drift) = decode(
            r#"{"callId": 99999999999999999999, "transcript": [null, {"speakerId": 9007199254740993, "sentences": [
                {"start": 12.0, "end": "soon", "text": "half \ud83d"}, "?", {"text": "a", "text": "b"}]},
                {"sentences": {}}]}"#,
        );
        assert_eq!(transcript.call_id, "99999999999999999999");
        let [empty, monologue, broken] = &transcript.monologues[..] else { panic!("three monologues: {transcript:?}") };
        assert_eq!((empty, broken), (&Monologue::default(), &Monologue::default()));
        assert_eq!(monologue.speaker_id.as_deref(), Some("9007199254740993"));
        let sentence = |start_ms, text| Sentence { start_ms, end_ms: None, text };
        assert_eq!(
            monologue.sentences,
            [sentence(Some(12), Some("half \u{fffd}".into())), Sentence::default(), sentence(None, Some("b".into()))]
        );
        assert_eq!(drift.replaced_characters, 1);
        let unexpected: Vec<_> = drift.unexpected_types.keys().map(String::as_str).collect();
        assert_eq!(unexpected, ["callTranscripts.transcript.sentences", "callTranscripts.transcript.sentences.end"]);
        assert_eq!(drift.unexpected_types["callTranscripts.transcript.sentences"], 2);
    }

    #[test]
    fn missing_parts_are_empty() {
        assert_eq!(decode(r#"{"callId": "1"}"#).0.monologues, []);
        assert_eq!(decode(r#"{"callId": "1", "transcript": null}"#).0.monologues, []);
        assert_eq!(decode(r#"{"callId": "1", "transcript": [{}]}"#).0.monologues, [Monologue::default()]);
        let (transcript, drift) = decode(r#"{"callId": "1", "transcript": [{"sentences": [{}]}]}"#);
        assert_eq!(transcript.monologues[0].sentences, [Sentence::default()]);
        assert!(drift.is_empty());
    }

    #[test]
    fn without_an_id_or_a_list_it_is_rejected() {
        for raw in ["[]", "{", "{}", r#"{"callId": "", "transcript": []}"#, r#"{"callId": "1", "transcript": "x"}"#] {
            assert!(Transcript::decode(raw, &mut Drift::default()).is_err(), "{raw}");
        }
    }
}
