//! `POST /v2/calls/extensive`: calls with the blocks that were selected.

use super::filter::CallQuery;
use super::selection::{Context, Selection};
use super::{Asked, Refusal, Reply, calls};
use crate::sim::json::Json;
use crate::sim::rng::{Rng, Stream};
use crate::sim::world::call::{Call, Party};
use crate::sim::world::crm::{Object, Timing};
use crate::sim::world::head::{Channel, Head};

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

/// Writes calls into the array of an answer.
pub(super) struct Writer<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) selection: &'a Selection,
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
        let linked = || match (party.contact, party.user) {
            (Some(contact), _) => world.contact_object(call, contact),
            (None, Some(user)) => Some(world.user_object(user)),
            (None, None) => None,
        };
        if self.selection.context == Context::None {
            json.open_array();
            json.close_array();
        } else {
            self.context(json, |_| linked().into_iter().collect());
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
