//! `GET /v2/calls` and `GET /v2/calls/{id}`: the basic data of calls.

use super::filter::{CallQuery, Moment, parse_instant, span, workspace_number};
use super::{Asked, Refusal, Reply};
use crate::sim::ids;
use crate::sim::json::Json;
use crate::sim::world::call::Call;
use crate::sim::world::head::{Channel, Head};

pub(super) fn list(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request = asked.request;
    let instant = |name| request.query(name).map(parse_instant).transpose();
    let (from, to) = (instant("fromDateTime")?, instant("toDateTime")?);
    let workspace = request.query("workspaceId");
    if workspace.is_some_and(|id| !ids::is_well_formed(id)) {
        return Err(Refusal::unreadable());
    }
    let query = CallQuery {
        span: span(from, to)?,
        moment: Moment::Scheduled,
        workspace: workspace.map(|id| workspace_number(asked.world, id)),
        hosts: None,
        ids: None,
        with_transcript: false,
    };
    let paging = asked.paging()?;
    let cut = query.page(asked, &paging)?;
    let write = |json: &mut Json, head: &Head| {
        json.open_object();
        meta_data(asked, json, &asked.world.call(head));
        json.close_object();
    };
    Ok(paging.reply(asked, "calls", &cut, write, |_| ()))
}

pub(super) fn one(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let world = asked.world;
    let missing = || Refusal::new(404, format!("Call ID {} was not found", asked.path_id));
    let head = world.find_call(asked.path_id).filter(|head| head.is_visible(asked.now) && !world.config.blind_key);
    let head = head.ok_or_else(missing)?;
    let mut json = Json::with_capacity(1024);
    json.open_object();
    json.text_field("requestId", &asked.request_id);
    json.key("call");
    json.open_object();
    meta_data(asked, &mut json, &world.call(&head));
    json.close_object();
    json.close_object();
    Ok(Reply::json(200, json.into_bytes()))
}

/// Writes the twenty fields into the current object.
pub(super) fn meta_data(asked: &Asked<'_>, json: &mut Json, call: &Call) {
    let world = asked.world;
    let head = &call.head;
    let id = world.call_id(head);
    json.id_field("id", id);
    json.text_field("url", &format!("https://simulator.app.gong.example/call?id={id}"));
    json.text_field("title", &call.title);
    let scheduled = head.scheduled_us().map(|us| asked.local(us, 0));
    json.optional_field("scheduled", scheduled.as_deref());
    json.text_field("started", &asked.local(head.started_us, head.fraction_digits));
    json.raw_field("duration", head.duration);
    json.id_field("primaryUserId", world.user_id(head.host));
    let (direction, system, media) = match head.channel {
        Channel::Zoom => ("Conference", "Zoom", "Video"),
        Channel::Teams => ("Conference", "Microsoft Teams", "Video"),
        Channel::Meet => ("Conference", "Google Meet", "Video"),
        Channel::Dialler => ("Outbound", "Outreach", "Audio"),
        Channel::Phone => ("Inbound", "RingCentral", "Audio"),
        Channel::Upload => ("Unknown", "Upload API", "Audio"),
    };
    let is_strange = world.config.unknown_values && head.index.is_multiple_of(7);
    json.text_field("direction", if is_strange { "Sideways" } else { direction });
    json.text_field("system", system);
    json.text_field("scope", if head.intent.is_internal() { "Internal" } else { "External" });
    json.text_field("media", if is_strange { "Hologram" } else { media });
    json.text_field("language", if head.transcript_after.is_some() { head.language.code() } else { "zxx" });
    json.id_field("workspaceId", world.workspace_id(world.staff.user(head.host).workspace));
    let dialled = head.channel == Channel::Dialler;
    json.optional_field("sdrDisposition", dialled.then_some(["Connected", "No answer"][head.index as usize % 2]));
    let client_id = dialled.then(|| format!("dial-{}-{}", head.day, head.index));
    json.optional_field("clientUniqueId", client_id.as_deref());
    let custom =
        (head.channel == Channel::Upload).then(|| format!("{{\"batch\":{},\"source\":\"archive\"}}", head.day));
    json.optional_field("customData", custom.as_deref());
    let purpose = match head.intent {
        crate::sim::script::Intent::Renewal => Some("Renewal"),
        crate::sim::script::Intent::Demo => Some("Demo"),
        _ => None,
    };
    json.optional_field("purpose", purpose.filter(|_| head.index.is_multiple_of(2)));
    let meeting = match head.channel {
        Channel::Zoom => {
            Some(format!("https://zoom.example/j/{:011}", u64::from(head.day) * 100_000 + u64::from(head.index)))
        }
        Channel::Teams => Some(format!("https://teams.example/l/meetup-join/{}-{}", head.day, head.index)),
        Channel::Meet => Some(format!("https://meet.example/{}-{}", head.day, head.index)),
        Channel::Upload => Some(format!("https://storage.gong.example/uploads/{}/{}.mp3", head.day, head.index)),
        Channel::Dialler | Channel::Phone => None,
    };
    json.optional_field("meetingUrl", meeting.as_deref());
    json.raw_field("isPrivate", head.is_private);
    let event = head.scheduled_before.map(|_| format!("ev{}x{}@calendar.example", head.day, head.index));
    json.optional_field("calendarEventId", event.as_deref());
    if world.config.unknown_fields {
        json.text_field("recordingRegion", "eu-north");
        json.raw_field("qualityScore", head.index % 100);
    }
}
