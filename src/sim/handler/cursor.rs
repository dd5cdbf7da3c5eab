//! Pages and the cursors between them.
//!
//! A cursor names the last record of its page, so that records that appear or vanish meanwhile
//! neither repeat nor hide others. It is signed, bound to the request it came from and to the
//! instant of the first page. It looks like the token that Gong sends, and is as opaque.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Asked, Refusal, Reply};
use crate::sim::json::Json;
use crate::sim::rng::{Rng, Stream, fingerprint};

/// Where a record stands in its listing.
pub(super) type Position = (i64, u32);

/// Which page of which listing is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paging {
    pub(super) number: u64,
    /// Records of the listing, as counted for its first page.
    pub(super) total: Option<u64>,
    /// The last record of the page before.
    pub(super) after: Option<Position>,
    opened_ms: i64,
    listing: u64,
}

/// First part of every token: `{"alg":"HS256"}`. The signature is not of that kind, only as long.
const HEADER: &str = "eyJhbGciOiJIUzI1NiJ9";

fn signature(seed: u64, payload: &str) -> String {
    let mut rng = Rng::new(seed, Stream::Signature, &[fingerprint(payload.as_bytes())]);
    let bytes: Vec<u8> = (0..4).flat_map(|_| rng.draw().to_le_bytes()).collect();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Paging {
    pub(super) fn of(asked: &Asked<'_>) -> Result<Self, Refusal> {
        let first = Self {
            number: 0,
            total: None,
            after: None,
            opened_ms: asked.now.timestamp_millis(),
            listing: listing_of(asked),
        };
        // A cursor in the query of a POST, or in the body of a GET, goes unseen.
        let cursor = match asked.request.method.as_str() {
            "POST" => match &asked.body["cursor"] {
                Value::Null => None,
                Value::String(cursor) => Some(cursor.as_str()),
                _ => return Err(Refusal::unreadable()),
            },
            _ => asked.request.query("cursor"),
        };
        let Some(cursor) = cursor else { return Ok(first) };
        let paging = Self::read(cursor, asked.world.config.seed)
            .filter(|paging| paging.listing == first.listing)
            .ok_or_else(|| Refusal::invalid("Invalid cursor"))?;
        let age_ms = first.opened_ms - paging.opened_ms;
        if age_ms >= asked.world.config.cursor_life_s as i64 * 1000 {
            return Err(Refusal::invalid("cursor has expired"));
        }
        Ok(paging)
    }

    fn read(cursor: &str, seed: u64) -> Option<Self> {
        let (payload, signed) = cursor.strip_prefix(HEADER)?.strip_prefix('.')?.split_once('.')?;
        if signed != signature(seed, payload) {
            return None;
        }
        let payload: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        Some(Self {
            number: payload["pageNumber"].as_u64()?,
            total: Some(payload["totalRecords"].as_u64()?),
            after: Some((payload["lastKey"].as_i64()?, u32::try_from(payload["lastIndex"].as_u64()?).ok()?)),
            opened_ms: payload["iat"].as_i64()?,
            listing: payload["listing"].as_u64()?,
        })
    }

    fn next(&self, seed: u64, page_size: u32, total: u64, last: Position) -> String {
        let payload = json!({
            "pageSize": page_size, "totalRecords": total, "pageNumber": self.number + 1,
            "lastKey": last.0, "lastIndex": last.1, "iat": self.opened_ms, "listing": self.listing,
        });
        let payload = BASE64_URL_SAFE_NO_PAD.encode(payload.to_string());
        let signed = signature(seed, &payload);
        let mut cursor = String::with_capacity(HEADER.len() + payload.len() + signed.len() + 2);
        write!(cursor, "{HEADER}.{payload}.{signed}").expect("writing to a string cannot fail");
        cursor
    }

    /// The records of this page out of all, given in order, and whether more follow.
    pub(super) fn cut<T>(&self, asked: &Asked<'_>, all: Vec<(Position, T)>) -> Cut<T> {
        let total = self.total.unwrap_or(all.len() as u64);
        let mut records: Vec<(Position, T)> =
            all.into_iter().filter(|(position, _)| self.after.is_none_or(|after| *position > after)).collect();
        let size = asked.world.config.page_size as usize;
        let more = records.len() > size;
        records.truncate(size);
        Cut { total, records, more }
    }

    /// Writes a page: envelope, `records` and the named array, then whatever `finish` adds.
    pub(super) fn reply<T>(
        &self,
        asked: &Asked<'_>,
        name: &str,
        cut: &Cut<T>,
        mut write: impl FnMut(&mut Json, &T),
        finish: impl FnOnce(&mut Json),
    ) -> Reply {
        let mut json = Json::with_capacity(64 * 1024);
        json.open_object();
        json.text_field("requestId", &asked.request_id);
        json.key("records");
        json.open_object();
        json.raw_field("totalRecords", cut.total);
        json.raw_field("currentPageSize", cut.records.len());
        json.raw_field("currentPageNumber", self.number);
        if let Some((last, _)) = cut.records.last().filter(|_| cut.more) {
            let config = &asked.world.config;
            json.text_field("cursor", &self.next(config.seed, config.page_size, cut.total, *last));
        }
        json.close_object();
        json.key(name);
        json.open_array();
        for (_, record) in &cut.records {
            write(&mut json, record);
        }
        json.close_array();
        finish(&mut json);
        json.close_object();
        Reply::json(200, json.into_bytes())
    }
}

/// The records of one page.
#[derive(Debug)]
pub(super) struct Cut<T> {
    pub(super) total: u64,
    pub(super) records: Vec<(Position, T)>,
    pub(super) more: bool,
}

/// What makes two requests pages of one listing: all of them but the cursor.
fn listing_of(asked: &Asked<'_>) -> u64 {
    let mut text = format!("{} {}", asked.request.method, asked.request.path);
    let mut query: Vec<&(String, String)> = asked.request.query.iter().filter(|(key, _)| key != "cursor").collect();
    query.sort_unstable();
    for (key, value) in query {
        write!(text, "\n{key}={value}").expect("writing to a string cannot fail");
    }
    let mut body = asked.body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("cursor");
    }
    text.push('\n');
    text.push_str(&body.to_string());
    fingerprint(text.as_bytes())
}
