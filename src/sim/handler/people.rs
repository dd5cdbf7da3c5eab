//! `/v2/users` and `/v2/workspaces`.

use serde_json::json;

use super::cursor::Position;
use super::filter::{ids, instant, span};
use super::{Asked, Refusal, Reply};
use crate::sim::json::Json;
use crate::sim::world::Span;
use crate::sim::world::staff::User;

/// Users that exist by now, with their place in the list.
fn users<'a>(asked: &'a Asked<'_>, created: Span) -> impl Iterator<Item = (Position, &'a User)> {
    let now = asked.now;
    let users = asked.world.staff.users.iter();
    users
        .filter(move |user| user.created <= now && created.contains(user.created.timestamp_micros()))
        .map(|user| ((i64::from(user.number), 0), user))
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let paging = asked.paging()?;
    let cut = paging.cut(asked, users(asked, Span::ALWAYS).collect());
    Ok(paging.reply(asked, "users", &cut, |json, user| write(asked, json, user), |_| ()))
}

pub(super) fn filtered(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let filter = asked.filter()?;
    let created = span(instant(&filter["createdFromDateTime"])?, instant(&filter["createdToDateTime"])?)?;
    let wanted = ids(filter, "userIds")?;
    let paging = asked.paging()?;
    let mut all: Vec<(Position, &User)> = users(asked, created).collect();
    if let Some(wanted) = wanted {
        let known = |id: &&String| asked.world.find_user(id).is_some_and(|user| user.created <= asked.now);
        let unknown: Vec<&str> = wanted.iter().filter(|id| !known(id)).map(String::as_str).collect();
        if !unknown.is_empty() {
            return Err(Refusal::new(404, format!("The following userIds were not found: {}", unknown.join(", "))));
        }
        all.retain(|(_, user)| wanted.contains(&asked.world.user_id(user.number).to_string()));
    }
    if all.is_empty() {
        return Err(Refusal::no_calls());
    }
    let cut = paging.cut(asked, all);
    Ok(paging.reply(asked, "users", &cut, |json, user| write(asked, json, user), |_| ()))
}

pub(super) fn one(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let user = asked.world.find_user(asked.path_id).filter(|user| user.created <= asked.now);
    let user = user.ok_or_else(|| Refusal::new(404, format!("User ID {} was not found", asked.path_id)))?;
    let mut json = Json::with_capacity(1024);
    json.open_object();
    json.text_field("requestId", &asked.request_id);
    json.key("user");
    write(asked, &mut json, user);
    json.close_object();
    Ok(Reply::json(200, json.into_bytes()))
}

fn write(asked: &Asked<'_>, json: &mut Json, user: &User) {
    let world = asked.world;
    json.open_object();
    json.id_field("id", world.user_id(user.number));
    json.text_field("emailAddress", &user.email);
    let digits = if user.number.is_multiple_of(3) { 0 } else { 3 };
    json.text_field("created", &asked.local(user.created.timestamp_micros(), digits));
    json.raw_field("active", user.works_at(asked.now));
    json.key("emailAliases");
    json.open_array();
    for alias in &user.aliases {
        json.text(alias);
    }
    json.close_array();
    json.null_field("trustedEmailAddress");
    json.text_field("firstName", &user.first_name);
    json.text_field("lastName", &user.last_name);
    json.optional_field("title", user.title);
    json.optional_field("phoneNumber", user.phone.as_deref());
    json.optional_field("extension", user.extension.as_deref());
    json.key("personalMeetingUrls");
    json.open_array();
    if user.number.is_multiple_of(4) {
        json.text(&format!("https://zoom.example/my/{}", user.number));
    }
    json.close_array();
    let office = user.job == crate::sim::world::staff::Job::Office;
    let settings = json!({
        "webConferencesRecorded": !office, "preventWebConferenceRecording": false, "telephonyCallsImported": !office,
        "emailsImported": true, "preventEmailImport": false, "nonRecordedMeetingsImported": true,
        "gongConnectEnabled": user.number.is_multiple_of(2),
    });
    json.raw_field("settings", settings);
    let manager = user.manager.map(|number| world.user_id(number).to_string());
    json.optional_field("managerId", manager.as_deref());
    let has_page = !user.number.is_multiple_of(5);
    let page = has_page.then(|| format!("https://join.gong.example/northlight/u{}", user.number));
    json.optional_field("meetingConsentPageUrl", page.as_deref());
    if user.number.is_multiple_of(2) {
        json.raw_field("conferencingProviders", json!([{ "provider": "Zoom", "isDefault": true }]));
    } else {
        json.null_field("conferencingProviders");
    }
    json.raw_field("spokenLanguages", json!([{ "language": user.language, "primary": true }]));
    if world.config.unknown_fields {
        json.text_field("licenseTier", "gold");
    }
    json.close_object();
}

pub(super) fn workspaces(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let world = asked.world;
    Ok(asked.small(json!({ "workspaces": [
        { "id": world.workspace_id(0).to_string(), "name": "Sales", "description": "New and existing customers" },
        { "id": world.workspace_id(1).to_string(), "name": "Partners", "description": null },
    ] })))
}
