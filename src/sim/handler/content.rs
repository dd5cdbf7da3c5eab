//! The blocks of a call that come from what was said: `content` and `interaction`.

use super::extensive::Writer;
use crate::sim::ids::Kind;
use crate::sim::json::Json;
use crate::sim::world::analysis::{self, Occurrence};
use crate::sim::world::call::{Call, Party};
use crate::sim::world::conversation::Conversation;

/// Milliseconds as Gong's seconds.
fn seconds(ms: u32) -> f64 {
    f64::from(ms) / 1000.0
}

impl Writer<'_> {
    fn occurrences(&self, json: &mut Json, call: &Call, found: &[Occurrence]) {
        json.key("occurrences");
        json.open_array();
        for occurrence in found.iter().filter(|_| self.selection.tracker_occurrences) {
            json.open_object();
            json.double_field("startTime", seconds(occurrence.at_ms));
            let speaker = occurrence.seat.map(|seat| self.asked.world.speaker_id(&call.head, seat).to_string());
            json.optional_field("speakerId", speaker.as_deref());
            json.close_object();
        }
        json.close_array();
    }

    pub(super) fn content(&self, json: &mut Json, call: &Call, conversation: &Conversation) {
        let (world, wanted) = (self.asked.world, self.selection);
        json.key("content");
        json.open_object();
        if wanted.structure {
            json.key("structure");
            durations(json, &analysis::structure(conversation));
        }
        if wanted.topics {
            json.key("topics");
            durations(json, &analysis::topics(conversation));
        }
        if wanted.trackers {
            json.key("trackers");
            json.open_array();
            for tracked in analysis::trackers(conversation) {
                let tracker = &analysis::TRACKERS[tracked.tracker];
                json.open_object();
                json.id_field("id", world.ids.of(Kind::Tracker, 0, tracked.tracker as u32, 0));
                json.text_field("name", tracker.name);
                json.raw_field("count", tracked.count());
                json.text_field("type", if tracker.phrases.is_empty() { "SMART" } else { "KEYWORD" });
                self.occurrences(json, call, &tracked.occurrences);
                json.key("phrases");
                json.open_array();
                for (phrase, found) in &tracked.phrases {
                    json.open_object();
                    json.raw_field("count", found.len());
                    self.occurrences(json, call, found);
                    json.text_field("phrase", phrase);
                    json.close_object();
                }
                json.close_array();
                json.close_object();
            }
            json.close_array();
        }
        if wanted.brief {
            json.text_field("brief", &analysis::brief(call, conversation));
        }
        if wanted.outline {
            self.outline(json, conversation);
        }
        if wanted.highlights {
            self.highlights(json, conversation);
        }
        if wanted.call_outcome {
            json.key("callOutcome");
            match analysis::call_outcome(conversation) {
                None => json.null(),
                Some(outcome) => {
                    json.open_object();
                    json.text_field("id", outcome.id);
                    json.text_field("category", outcome.category);
                    json.text_field("name", outcome.name);
                    json.close_object();
                }
            }
        }
        if wanted.key_points {
            json.key("keyPoints");
            json.open_array();
            for point in analysis::key_points(conversation) {
                json.open_object();
                json.text_field("text", point);
                json.close_object();
            }
            json.close_array();
        }
        json.close_object();
    }

    fn outline(&self, json: &mut Json, conversation: &Conversation) {
        json.key("outline");
        json.open_array();
        for passages in analysis::sections(conversation) {
            let (Some(first), Some(last)) = (passages.first(), passages.last()) else { continue };
            let span = conversation.span_ms(&(first.monologues.start..last.monologues.end));
            json.open_object();
            json.text_field("section", first.topic);
            json.double_field("startTime", seconds(span.start));
            json.double_field("duration", seconds(span.end - span.start));
            json.key("items");
            json.open_array();
            for passage in passages {
                json.open_object();
                json.text_field("text", &passage.summary);
                json.double_field("startTime", seconds(conversation.span_ms(&passage.monologues).start));
                json.close_object();
            }
            json.close_array();
            json.close_object();
        }
        json.close_array();
    }

    fn highlights(&self, json: &mut Json, conversation: &Conversation) {
        json.key("highlights");
        json.open_array();
        let steps = analysis::next_steps(conversation);
        if !steps.is_empty() {
            json.open_object();
            json.text_field("title", "Next steps");
            json.key("items");
            json.open_array();
            for (text, at_ms) in steps {
                json.open_object();
                json.text_field("text", text);
                json.key("startTimes");
                json.open_array();
                json.double(seconds(at_ms));
                json.close_array();
                json.close_object();
            }
            json.close_array();
            json.close_object();
        }
        json.close_array();
    }

    pub(super) fn interaction(&self, json: &mut Json, call: &Call, conversation: &Conversation, parties: &[Party]) {
        let (world, wanted) = (self.asked.world, self.selection);
        let figures = world.interaction(call, conversation);
        json.key("interaction");
        json.open_object();
        if wanted.speakers {
            json.key("speakers");
            json.open_array();
            for (seat, party) in parties.iter().enumerate().filter(|(_, party)| party.speaker_id.is_some()) {
                json.open_object();
                json.id_field("id", party.id);
                let user = party.user.map(|number| world.user_id(number).to_string());
                json.optional_field("userId", user.as_deref());
                json.double_field("talkTime", conversation.talk_ms(seat) as f64 / 1000.0);
                json.close_object();
            }
            json.close_array();
        }
        if wanted.interaction_stats {
            json.key("interactionStats");
            json.open_array();
            for (name, value) in [
                ("Talk Ratio", figures.talk_ratio),
                ("Longest Monologue", figures.longest_monologue),
                ("Longest Customer Story", figures.longest_customer_story),
                ("Interactivity", figures.interactivity),
                ("Patience", figures.patience),
            ] {
                json.open_object();
                json.text_field("name", name);
                json.double_field("value", value);
                json.close_object();
            }
            json.close_array();
        }
        if wanted.video {
            json.key("video");
            json.open_array();
            if call.head.channel.is_conference() {
                let spoken = f64::from(call.head.duration);
                for (name, share) in [("Webcam", 0.6), ("Presentation", 0.3)] {
                    json.open_object();
                    json.text_field("name", name);
                    json.double_field("duration", (spoken * share * 10.0).round() / 10.0);
                    json.close_object();
                }
            }
            json.close_array();
        }
        if wanted.questions {
            json.key("questions");
            json.open_object();
            json.raw_field("companyCount", figures.company_questions);
            json.raw_field("nonCompanyCount", figures.other_questions);
            json.close_object();
        }
        json.close_object();
    }
}

fn durations(json: &mut Json, parts: &[(&str, u32)]) {
    json.open_array();
    for (name, duration) in parts {
        json.open_object();
        json.text_field("name", name);
        json.raw_field("duration", duration);
        json.close_object();
    }
    json.close_array();
}
