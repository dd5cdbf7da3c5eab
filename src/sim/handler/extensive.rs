//! `POST /v2/calls/extensive`: calls with the blocks that were selected.

use serde_json::Value;

use super::filter::CallQuery;
use super::{Asked, Refusal, Reply, calls};
use crate::sim::ids::Kind;
use crate::sim::json::Json;
use crate::sim::rng::{Rng, Stream};
use crate::sim::world::analysis::{self, Occurrence};
use crate::sim::world::call::{Call, Party};
use crate::sim::world::conversation::Conversation;
use crate::sim::world::crm::{Object, Timing};
use crate::sim::world::head::{Channel, Head};

/// How much of the CRM is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    None,
    Basic,
    Extended,
}

/// What to send besides `metaData`.
#[derive(Debug)]
struct Selection {
    context: Context,
    timings: Vec<Timing>,
    parties: bool,
    structure: bool,
    topics: bool,
    trackers: bool,
    tracker_occurrences: bool,
    brief: bool,
    outline: bool,
    highlights: bool,
    call_outcome: bool,
    key_points: bool,
    speakers: bool,
    video: bool,
    interaction_stats: bool,
    questions: bool,
    comments: bool,
    media: bool,
}

/// An object of switches, or nothing.
fn group<'v>(parent: &'v Value, name: &str) -> Result<&'v Value, Refusal> {
    match &parent[name] {
        group @ (Value::Null | Value::Object(_)) => Ok(group),
        _ => Err(Refusal::unreadable()),
    }
}

fn switch(parent: &Value, name: &str) -> Result<bool, Refusal> {
    match &parent[name] {
        Value::Null => Ok(false),
        Value::Bool(on) => Ok(*on),
        _ => Err(Refusal::unreadable()),
    }
}

impl Selection {
    fn read(body: &Value) -> Result<Self, Refusal> {
        let selector = group(body, "contentSelector")?;
        let context = match &selector["context"] {
            Value::Null => Context::None,
            Value::String(name) => match name.as_str() {
                "None" => Context::None,
                "Basic" => Context::Basic,
                "Extended" => Context::Extended,
                _ => return Err(Refusal::unreadable()),
            },
            _ => return Err(Refusal::unreadable()),
        };
        let mut timings = Vec::new();
        match &selector["contextTiming"] {
            Value::Null => timings.push(Timing::Now),
            Value::Array(names) => {
                for name in names {
                    timings.push(match name.as_str() {
                        Some("Now") => Timing::Now,
                        Some("TimeOfCall") => Timing::TimeOfCall,
                        _ => return Err(Refusal::unreadable()),
                    });
                }
                if context != Context::Extended {
                    return Err(Refusal::invalid("contentSelector.contextTiming: allowed with context Extended only"));
                }
            }
            _ => return Err(Refusal::unreadable()),
        }
        let fields = group(selector, "exposedFields")?;
        let content = group(fields, "content")?;
        let interaction = group(fields, "interaction")?;
        let collaboration = group(fields, "collaboration")?;
        // Accepted and without effect since 2025.
        switch(content, "pointsOfInterest")?;
        Ok(Self {
            context,
            timings,
            parties: switch(fields, "parties")?,
            structure: switch(content, "structure")?,
            topics: switch(content, "topics")?,
            trackers: switch(content, "trackers")?,
            tracker_occurrences: switch(content, "trackerOccurrences")?,
            brief: switch(content, "brief")?,
            outline: switch(content, "outline")?,
            highlights: switch(content, "highlights")?,
            call_outcome: switch(content, "callOutcome")?,
            key_points: switch(content, "keyPoints")?,
            speakers: switch(interaction, "speakers")?,
            video: switch(interaction, "video")?,
            interaction_stats: switch(interaction, "personInteractionStats")?,
            questions: switch(interaction, "questions")?,
            comments: switch(collaboration, "publicComments")?,
            media: switch(fields, "media")?,
        })
    }

    fn wants_content(&self) -> bool {
        self.structure
            || self.topics
            || self.trackers
            || self.brief
            || self.outline
            || self.highlights
            || self.call_outcome
            || self.key_points
    }

    fn wants_interaction(&self) -> bool {
        self.speakers || self.video || self.interaction_stats || self.questions
    }
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let selection = Selection::read(&asked.body)?;
    if selection.media && !asked.has_scope("api:calls:read:media-url") {
        return Err(Refusal::missing_scope("api:calls:read:media-url"));
    }
    let query = CallQuery::read(asked, false)?;
    let paging = asked.paging()?;
    let cut = query.page(asked, &paging)?;
    let write = |json: &mut Json, head: &Head| Writer { asked, selection: &selection }.call(json, head);
    Ok(paging.reply(asked, "calls", &cut, write, |_| ()))
}

struct Writer<'a> {
    asked: &'a Asked<'a>,
    selection: &'a Selection,
}

/// Milliseconds as Gong's seconds.
fn seconds(ms: u32) -> f64 {
    f64::from(ms) / 1000.0
}

impl Writer<'_> {
    fn call(&self, json: &mut Json, head: &Head) {
        let (world, wanted) = (self.asked.world, self.selection);
        let call = world.call(head);
        json.open_object();
        json.key("metaData");
        json.open_object();
        calls::meta_data(self.asked, json, &call);
        json.close_object();
        if wanted.context != Context::None {
            json.key("context");
            let objects = |timing| world.call_objects(&call, timing);
            self.context(json, objects);
        }
        // Who spoke is known from the recording, what was said only from its analysis.
        let was_heard = head.transcript_after.is_some();
        let needs_words = wanted.parties || wanted.wants_content() || wanted.wants_interaction();
        let conversation = (was_heard && needs_words).then(|| world.conversation(&call));
        let parties = world.parties(&call, conversation.as_ref());
        if wanted.parties
            && let Some(parties) = &parties
        {
            json.key("parties");
            json.open_array();
            for party in parties {
                self.party(json, &call, party);
            }
            json.close_array();
        }
        if let Some(conversation) = conversation.filter(|_| head.has_transcript(self.asked.now)) {
            if wanted.wants_content() {
                self.content(json, &call, &conversation);
            }
            if wanted.wants_interaction() {
                self.interaction(json, &call, &conversation, parties.as_deref().unwrap_or_default());
            }
        }
        if wanted.comments {
            self.comments(json, &call);
        }
        if wanted.media {
            self.media(json, head);
        }
        if world.config.unknown_fields {
            json.key("recommendations");
            json.open_object();
            json.raw_field("count", head.index % 3);
            json.close_object();
        }
        json.close_object();
    }

    /// The objects of the CRM, once for each timing asked for.
    fn context(&self, json: &mut Json, objects: impl Fn(Timing) -> Vec<Object>) {
        json.open_array();
        let groups: Vec<(Timing, Vec<Object>)> = self.selection.timings.iter().map(|t| (*t, objects(*t))).collect();
        if groups.iter().any(|(_, objects)| !objects.is_empty()) {
            json.open_object();
            json.text_field("system", "Salesforce");
            json.key("objects");
            json.open_array();
            for (timing, object) in groups.iter().flat_map(|(timing, objects)| objects.iter().map(move |o| (timing, o)))
            {
                json.open_object();
                json.text_field("objectType", object.kind);
                json.optional_field("objectId", object.id.as_deref());
                if self.selection.context == Context::Extended {
                    json.key("fields");
                    json.open_array();
                    for (name, value) in &object.fields {
                        json.open_object();
                        json.text_field("name", name);
                        json.raw_field("value", value);
                        json.close_object();
                    }
                    json.close_array();
                    json.text_field("timing", if *timing == Timing::Now { "Now" } else { "TimeOfCall" });
                }
                json.close_object();
            }
            json.close_array();
            json.close_object();
        }
        json.close_array();
    }

    fn party(&self, json: &mut Json, call: &Call, party: &Party) {
        let world = self.asked.world;
        json.open_object();
        json.id_field("id", party.id);
        if let Some(email) = &party.email {
            json.text_field("emailAddress", email);
        }
        if let Some(name) = &party.name {
            json.text_field("name", name);
        }
        if let Some(title) = party.title {
            json.text_field("title", title);
        }
        if let Some(user) = party.user {
            json.id_field("userId", world.user_id(user));
        }
        let speaker = party.speaker_id.map(|id| id.to_string());
        json.optional_field("speakerId", speaker.as_deref());
        json.key("context");
        match party.contact.filter(|_| self.selection.context != Context::None) {
            Some(contact) => self.context(json, |_| world.contact_object(call, contact).into_iter().collect()),
            None => {
                json.open_array();
                json.close_array();
            }
        }
        let is_strange = world.config.unknown_values && call.head.index.is_multiple_of(5);
        json.text_field("affiliation", if is_strange { "Partner" } else { party.affiliation });
        json.optional_field("phoneNumber", party.phone.as_deref());
        json.key("methods");
        json.open_array();
        if party.invited {
            json.text("Invitee");
        }
        if party.attended {
            json.text("Attendee");
        }
        json.close_array();
        if world.config.unknown_fields {
            json.text_field("pronouns", "they/them");
        }
        json.close_object();
    }

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

    fn content(&self, json: &mut Json, call: &Call, conversation: &Conversation) {
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

    fn interaction(&self, json: &mut Json, call: &Call, conversation: &Conversation, parties: &[Party]) {
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

    fn comments(&self, json: &mut Json, call: &Call) {
        json.key("collaboration");
        json.open_object();
        let world = self.asked.world;
        let comments = world.comments(&call.head, self.asked.now);
        if !comments.is_empty() {
            json.key("publicComments");
            json.open_array();
            for comment in comments {
                json.open_object();
                json.id_field("id", comment.id);
                json.double_field("audioStartTime", comment.from_s);
                json.double_field("audioEndTime", comment.to_s);
                json.id_field("commenterUserId", world.user_id(comment.author));
                json.text_field("comment", &comment.text);
                json.text_field("posted", &self.asked.local(comment.posted.timestamp_micros(), 3));
                let reply_to = comment.in_reply_to.map(|id| id.to_string());
                json.optional_field("inReplyTo", reply_to.as_deref());
                json.raw_field("duringCall", comment.during_call);
                json.close_object();
            }
            json.close_array();
        }
        json.close_object();
    }

    /// Signed anew with every request, as the original's are.
    fn media(&self, json: &mut Json, head: &Head) {
        let asked = self.asked;
        let id = asked.world.call_id(head);
        let mut rng = Rng::new(asked.world.config.seed, Stream::Signature, &[asked.serial, u64::from(head.index)]);
        let url = |kind: &str, rng: &mut Rng| {
            format!("https://media.gong.example/{id}/{kind}?expires=28799&signature={:016x}", rng.draw())
        };
        json.key("media");
        json.open_object();
        json.text_field("audioUrl", &url("audio.mp3", &mut rng));
        if head.channel.is_conference() && head.channel != Channel::Upload {
            json.text_field("videoUrl", &url("video.mp4", &mut rng));
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
