//! `GET /v2/logs`.

use serde_json::{Value, json};

use super::cursor::Position;
use super::filter::parse_instant;
use super::{Asked, Refusal, Reply};
use crate::sim::world::logs::{LOG_TYPES, LogEntry};

pub(super) fn list(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request = asked.request;
    let missing = |name: &str| Refusal::invalid(format!("{name} parameter is missing"));
    let kind = request.query("logType").ok_or_else(|| missing("logType"))?;
    let kind = LOG_TYPES.iter().position(|known| *known == kind).ok_or_else(|| Refusal::invalid("Bad request"))?;
    let from = parse_instant(request.query("fromDateTime").ok_or_else(|| missing("fromDateTime"))?)?;
    let to = request.query("toDateTime").map(parse_instant).transpose()?.unwrap_or(asked.now);
    let paging = asked.paging()?;
    let entries = asked.world.logs(kind, from, to, asked.now);
    if entries.is_empty() {
        return Err(Refusal::new(404, "No logs found corresponding to the provided filters"));
    }
    // Two entries may fall on the same instant; their place among all tells them apart.
    let placed: Vec<(Position, LogEntry)> = entries
        .into_iter()
        .enumerate()
        .map(|(place, entry)| ((entry.time.timestamp_micros(), place as u32), entry))
        .collect();
    let cut = paging.cut(asked, placed);
    Ok(paging.reply(asked, "logEntries", &cut, |json, entry| json.raw(write(asked, entry)), |_| ()))
}

/// People who are not there are absent, not null.
fn write(asked: &Asked<'_>, entry: &LogEntry) -> Value {
    let world = asked.world;
    let mut written = json!({ "eventTime": entry.time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true), "logRecord": entry.record });
    for (prefix, id, number) in
        [("user", "userId", entry.user), ("impersonator", "impersonatorUserId", entry.impersonator)]
    {
        if let Some(number) = number {
            let user = world.staff.user(number);
            written[id] = json!(world.user_id(number).to_string());
            written[format!("{prefix}EmailAddress")] = json!(user.email);
            written[format!("{prefix}FullName")] = json!(user.full_name());
        }
    }
    written
}
