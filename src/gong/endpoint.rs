//! The requests that an export sends: what is asked, of which operation, with which scope.
//!
//! Pure. Cursors are added by [`listing`](super::listing), credentials and host by
//! `transport`.

use std::collections::BTreeSet;

use chrono::{NaiveDate, SecondsFormat};
use serde_json::{Map, Value, json};

use super::page::Cursor;
use crate::calendar::DateRange;

/// The most ids in one request. The API names no limit of its own; this is the size of a page.
pub const IDS_MAX: usize = 100;

/// One operation of the API.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// Method and path, for messages.
    label: &'static str,
    method: Method,
    path: &'static str,
    scope: &'static str,
    /// The member of the answer that holds the records.
    array: &'static str,
    /// Whether the answer has a `records` member that may carry a cursor.
    paged: bool,
    /// Whether a 404 that lists the user ids asked for means that none of them has data.
    names_idle_users: bool,
}

impl Operation {
    /// A list that is read with GET. `label` is method and path, `array` the member of the answer that
    /// holds the records.
    pub const fn get(label: &'static str, path: &'static str, scope: &'static str, array: &'static str) -> Self {
        Self { label, method: Method::Get, path, scope, array, paged: true, names_idle_users: false }
    }

    /// A list that is read with POST.
    pub const fn post(label: &'static str, path: &'static str, scope: &'static str, array: &'static str) -> Self {
        Self { label, method: Method::Post, path, scope, array, paged: true, names_idle_users: false }
    }

    /// The same for a list that comes whole, without pages.
    pub const fn whole(self) -> Self {
        Self { paged: false, ..self }
    }
}

/// The two that reading needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Cursor in the query.
    Get,
    /// Cursor at the top level of the body.
    Post,
}

static CALLS: Operation =
    Operation::post("POST /v2/calls/extensive", "/v2/calls/extensive", "api:calls:read:extensive", "calls");

static TRANSCRIPTS: Operation = Operation::post(
    "POST /v2/calls/transcript",
    "/v2/calls/transcript",
    "api:calls:read:transcript",
    "callTranscripts",
);

pub static USERS: Operation = Operation::get("GET /v2/users", "/v2/users", "api:users:read", "users");

static ACTIVITY: Operation = Operation {
    names_idle_users: true,
    ..Operation::post(
        "POST /v2/stats/activity/aggregate",
        "/v2/stats/activity/aggregate",
        "api:stats:user-actions",
        "usersAggregateActivityStats",
    )
};

pub static WORKSPACES: Operation =
    Operation::get("GET /v2/workspaces", "/v2/workspaces", "api:workspaces:read", "workspaces").whole();

/// An optional part of a call in `POST /v2/calls/extensive`. What is asked for and not available is
/// left out of the answer without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Block {
    Parties,
    Brief,
    CallOutcome,
    Questions,
    Speakers,
    /// CRM objects with their fields, both as they are now and as they were at the call.
    Context,
    Structure,
    Topics,
    Trackers,
    /// Where in the call each tracker was met; brings [`Block::Trackers`] with it.
    TrackerOccurrences,
    Outline,
    Highlights,
    KeyPoints,
    /// Answered under the name `interactionStats`.
    InteractionStats,
    Video,
    Comments,
}

impl Block {
    /// Where its switch is below `exposedFields`; [`Block::Context`] is switched elsewhere.
    fn switches(self) -> &'static [[&'static str; 2]] {
        match self {
            Self::Parties | Self::Context => &[],
            Self::Brief => &[["content", "brief"]],
            Self::CallOutcome => &[["content", "callOutcome"]],
            Self::Structure => &[["content", "structure"]],
            Self::Topics => &[["content", "topics"]],
            Self::Trackers => &[["content", "trackers"]],
            Self::TrackerOccurrences => &[["content", "trackers"], ["content", "trackerOccurrences"]],
            Self::Outline => &[["content", "outline"]],
            Self::Highlights => &[["content", "highlights"]],
            Self::KeyPoints => &[["content", "keyPoints"]],
            Self::Questions => &[["interaction", "questions"]],
            Self::Speakers => &[["interaction", "speakers"]],
            Self::InteractionStats => &[["interaction", "personInteractionStats"]],
            Self::Video => &[["interaction", "video"]],
            Self::Comments => &[["collaboration", "publicComments"]],
        }
    }
}

/// Which calls a listing is to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFilter {
    /// Of the calls' starts.
    pub range: DateRange,
    /// Ids of the users who hosted the calls; empty for all.
    pub hosts: Vec<String>,
    pub workspace: Option<String>,
}

/// One request, ready to be sent, or the first page of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    operation: &'static Operation,
    query: Vec<(&'static str, String)>,
    body: Option<Map<String, Value>>,
    cursor: Option<Cursor>,
    answer_bytes_max: usize,
}

impl Request {
    /// Calls by the time of their start, oldest first.
    pub fn calls_extensive(filter: &CallFilter, blocks: &BTreeSet<Block>) -> Self {
        let time = |t: chrono::DateTime<chrono::Utc>| t.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let mut members = Map::new();
        members.insert("fromDateTime".to_owned(), time(filter.range.from()).into());
        members.insert("toDateTime".to_owned(), time(filter.range.to()).into());
        // An empty list is refused with 400.
        if !filter.hosts.is_empty() {
            members.insert("primaryUserIds".to_owned(), filter.hosts.clone().into());
        }
        if let Some(workspace) = &filter.workspace {
            members.insert("workspaceId".to_owned(), workspace.clone().into());
        }
        Self::of_calls(members, blocks)
    }

    /// Calls by their ids, whatever their date. Unknown ids are left out of the answer.
    ///
    /// # Panics
    ///
    /// Without ids, or with more than [`IDS_MAX`]: without any filter the API would list the whole
    /// account.
    pub fn calls_by_id(ids: &[String], blocks: &BTreeSet<Block>) -> Self {
        Self::of_calls(call_ids(ids), blocks)
    }

    fn of_calls(filter: Map<String, Value>, blocks: &BTreeSet<Block>) -> Self {
        let mut body = Map::new();
        body.insert("filter".to_owned(), filter.into());
        if !blocks.is_empty() {
            body.insert("contentSelector".to_owned(), content_selector(blocks));
        }
        Self::post(&CALLS, body)
    }

    /// Transcripts of calls. Those without one are left out of the answer. No dates: the API would
    /// intersect them with the ids.
    ///
    /// # Panics
    ///
    /// As [`calls_by_id`](Self::calls_by_id).
    pub fn transcripts(ids: &[String], workspace: Option<&str>) -> Self {
        let mut filter = call_ids(ids);
        if let Some(workspace) = workspace {
            filter.insert("workspaceId".to_owned(), workspace.into());
        }
        Self::of_filter(&TRANSCRIPTS, filter)
    }

    /// All users, active or not.
    pub fn users() -> Self {
        Self::get(&USERS, Vec::new())
    }

    /// Each user's activity over some days of the company's time zone, `to` not included; empty
    /// `user_ids` for all users. The only answer, with that of the interaction statistics, that
    /// tells which zone this is (`timeZone`).
    pub fn activity(from: NaiveDate, to: NaiveDate, user_ids: &[String]) -> Self {
        Self::of_filter(&ACTIVITY, days(from, to, user_ids))
    }

    /// All workspaces, on one page: the cheapest request there is.
    pub fn workspaces() -> Self {
        Self::get(&WORKSPACES, Vec::new())
    }

    fn of_filter(operation: &'static Operation, filter: Map<String, Value>) -> Self {
        let mut body = Map::new();
        body.insert("filter".to_owned(), filter.into());
        Self::post(operation, body)
    }

    pub(crate) fn get(operation: &'static Operation, query: Vec<(&'static str, String)>) -> Self {
        Self { operation, query, body: None, cursor: None, answer_bytes_max: usize::MAX }
    }

    pub(crate) fn post(operation: &'static Operation, body: Map<String, Value>) -> Self {
        Self { operation, query: Vec::new(), body: Some(body), cursor: None, answer_bytes_max: usize::MAX }
    }

    /// The same request, of whose answer no more is read than this, after decompression, if that is less than
    /// the client takes: what is larger is [`Error::TooLarge`](super::Error::TooLarge).
    pub fn answer_at_most(self, bytes: usize) -> Self {
        Self { answer_bytes_max: bytes, ..self }
    }

    /// The permission that the key needs for it.
    pub fn scope(&self) -> &'static str {
        self.operation.scope
    }

    /// Method and path, for messages.
    pub fn label(&self) -> &'static str {
        self.operation.label
    }

    /// Whether it is one of many that do not wait for each other, as pages of a listing do.
    pub(crate) fn is_batch(&self) -> bool {
        *self.operation == TRANSCRIPTS
    }

    pub(crate) fn method(&self) -> Method {
        self.operation.method
    }

    pub(crate) fn path(&self) -> &'static str {
        self.operation.path
    }

    /// Names and values, without the cursor.
    pub(crate) fn query(&self) -> &[(&'static str, String)] {
        &self.query
    }

    pub(crate) fn answer_bytes_max(&self) -> usize {
        self.answer_bytes_max
    }

    pub(crate) fn array(&self) -> &'static str {
        self.operation.array
    }

    pub(crate) fn is_paged(&self) -> bool {
        self.operation.paged
    }

    /// The same request for a later page: nothing else changes.
    pub(crate) fn at(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }

    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// The JSON of a POST, its cursor at the top level: one in the query would be ignored, and the
    /// first page come back for ever.
    pub(crate) fn json(&self) -> Option<String> {
        let mut body = self.body.clone()?;
        if let Some(cursor) = &self.cursor {
            body.insert("cursor".to_owned(), cursor.expose().into());
        }
        Some(Value::Object(body).to_string())
    }

    /// Whether a 404 with these texts says that nothing matches, rather than that something is
    /// wrong. "Nothing matches" reads `No calls found corresponding to the provided filters`, with
    /// other nouns and sometimes a full stop; an unknown path, call or user reads otherwise.
    pub(crate) fn is_empty_answer(&self, texts: &[String]) -> bool {
        texts.iter().any(|text| {
            let text = text.to_lowercase();
            (text.starts_with("no ") && text.contains("found")) || self.names_an_idle_user(&text)
        })
    }

    /// Statistics answer 404 with the ids asked for when none of these users has data.
    fn names_an_idle_user(&self, text: &str) -> bool {
        let asked = self.body.as_ref().and_then(|body| body.get("filter")?.get("userIds")?.as_array());
        let Some(asked) = asked.filter(|_| self.operation.names_idle_users) else { return false };
        asked.iter().filter_map(Value::as_str).any(|id| text.contains(id))
    }
}

fn call_ids(ids: &[String]) -> Map<String, Value> {
    assert!((1..=IDS_MAX).contains(&ids.len()), "asked for {} calls by id, 1 to {IDS_MAX} are possible", ids.len());
    Map::from_iter([("callIds".to_owned(), Value::from(ids))])
}

fn days(from: NaiveDate, to: NaiveDate, user_ids: &[String]) -> Map<String, Value> {
    let mut filter = Map::new();
    filter.insert("fromDate".to_owned(), from.to_string().into());
    filter.insert("toDate".to_owned(), to.to_string().into());
    if !user_ids.is_empty() {
        filter.insert("userIds".to_owned(), user_ids.into());
    }
    filter
}

fn content_selector(blocks: &BTreeSet<Block>) -> Value {
    let mut exposed = Map::new();
    let mut selector = Map::new();
    for block in blocks {
        match block {
            Block::Parties => {
                exposed.insert("parties".to_owned(), true.into());
            }
            Block::Context => {
                selector.insert("context".to_owned(), "Extended".into());
                selector.insert("contextTiming".to_owned(), json!(["Now", "TimeOfCall"]));
            }
            _ => {}
        }
        for [group, switch] in block.switches() {
            let group = exposed.entry(*group).or_insert_with(|| Map::new().into());
            group[*switch] = true.into();
        }
    }
    if !exposed.is_empty() {
        selector.insert("exposedFields".to_owned(), exposed.into());
    }
    selector.into()
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
