//! `POST /v2/calls/transcript`.

use super::filter::CallQuery;
use super::{Asked, Refusal, Reply};
use crate::sim::json::Json;
use crate::sim::world::head::Head;

pub(super) fn list(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let query = CallQuery::read(asked, true)?;
    let paging = asked.paging()?;
    let cut = query.page(asked, &paging)?;
    Ok(paging.reply(asked, "callTranscripts", &cut, |json, head| transcript(asked, json, head), |_| ()))
}

fn transcript(asked: &Asked<'_>, json: &mut Json, head: &Head) {
    let world = asked.world;
    let call = world.call(head);
    let conversation = world.conversation(&call);
    let speakers: Vec<String> = (0..call.seats.len()).map(|seat| world.speaker_id(head, seat).to_string()).collect();
    json.open_object();
    json.id_field("callId", world.call_id(head));
    json.key("transcript");
    json.open_array();
    for monologue in &conversation.monologues {
        json.open_object();
        json.optional_field("speakerId", monologue.seat.map(|seat| speakers[seat].as_str()));
        json.optional_field("topic", monologue.topic_found());
        json.key("sentences");
        json.open_array();
        for sentence in conversation.sentences_of(monologue) {
            json.open_object();
            json.raw_field("start", sentence.start_ms);
            json.raw_field("end", sentence.end_ms);
            json.text_field("text", conversation.text_of(sentence));
            json.close_object();
        }
        json.close_array();
        if world.config.unknown_fields {
            json.text_field("sentiment", "neutral");
        }
        json.close_object();
    }
    json.close_array();
    json.close_object();
}
