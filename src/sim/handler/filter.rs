//! Reading filters: types first, then sense, as the real API does before it looks anything up.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use super::cursor::{Cut, Paging};
use super::{Asked, Refusal};
use crate::sim::ids;
use crate::sim::world::head::Head;
use crate::sim::world::{Span, World};

/// An optional ISO-8601 instant with an offset.
pub(super) fn instant(value: &Value) -> Result<Option<DateTime<Utc>>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => parse_instant(text).map(Some),
        _ => Err(Refusal::unreadable()),
    }
}

pub(super) fn parse_instant(text: &str) -> Result<DateTime<Utc>, Refusal> {
    DateTime::parse_from_rfc3339(text).map(|t| t.to_utc()).map_err(|_| Refusal::unreadable())
}

/// An optional day.
pub(super) fn date(value: &Value) -> Result<Option<NaiveDate>, Refusal> {
    match value {
        Value::Null => Ok(None),
        // The parser of dates would take a day of one digit too.
        Value::String(text) if text.len() == 10 => text.parse().map(Some).map_err(|_| Refusal::unreadable()),
        _ => Err(Refusal::unreadable()),
    }
}

/// An optional list of ids, which must not be empty. Numbers pass for text, as in the original.
pub(super) fn ids(filter: &Value, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let values = match &filter[name] {
        Value::Null => return Ok(None),
        Value::Array(values) => values,
        _ => return Err(Refusal::unreadable()),
    };
    if values.is_empty() {
        return Err(Refusal::invalid(format!("filter.{name}: must not be empty")));
    }
    let mut ids = Vec::with_capacity(values.len());
    for value in values {
        let id = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(Refusal::unreadable()),
        };
        if !ids::is_well_formed(&id) {
            return Err(Refusal::unreadable());
        }
        ids.push(id);
    }
    Ok(Some(ids))
}

pub(super) fn one_id(value: &Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(id) if ids::is_well_formed(id) => Ok(Some(id.clone())),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(Refusal::unreadable()),
    }
}

pub(super) fn span(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Result<Span, Refusal> {
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(Refusal::invalid("filter.fromDateTime: must be before toDateTime"));
    }
    Ok(Span {
        from_us: from.map_or(i64::MIN, |t| t.timestamp_micros()),
        to_us: to.map_or(i64::MAX, |t| t.timestamp_micros()),
    })
}

/// Which of a call's times a window is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Started,
    /// The planned start of web conferences, the actual one of everything else.
    Scheduled,
}

/// Which calls are asked for.
#[derive(Debug)]
pub(super) struct CallQuery {
    pub(super) span: Span,
    pub(super) moment: Moment,
    /// By number; `None` when no such workspace exists.
    pub(super) workspace: Option<Option<u32>>,
    pub(super) hosts: Option<HashSet<u32>>,
    pub(super) ids: Option<Vec<String>>,
    pub(super) with_transcript: bool,
}

impl CallQuery {
    /// Reads the filter of the POST operations.
    pub(super) fn read(asked: &Asked<'_>, with_transcript: bool) -> Result<Self, Refusal> {
        let filter = asked.filter()?;
        let (from, to) = (instant(&filter["fromDateTime"])?, instant(&filter["toDateTime"])?);
        let workspace = one_id(&filter["workspaceId"])?;
        let call_ids = ids(filter, "callIds")?;
        let hosts = if with_transcript { None } else { ids(filter, "primaryUserIds")? };
        let hosts = hosts.map(|ids| ids.iter().filter_map(|id| asked.world.find_user(id).map(|u| u.number)).collect());
        Ok(Self {
            span: span(from, to)?,
            moment: Moment::Started,
            workspace: workspace.map(|id| workspace_number(asked.world, &id)),
            hosts,
            ids: call_ids,
            with_transcript,
        })
    }

    fn matches(&self, asked: &Asked<'_>, head: &Head) -> bool {
        let moment_us = match self.moment {
            Moment::Scheduled if head.channel.is_conference() => head.scheduled_us().unwrap_or(head.started_us),
            _ => head.started_us,
        };
        self.span.contains(moment_us)
            && head.is_visible(asked.now)
            && (!self.with_transcript || head.has_transcript(asked.now))
            && self.hosts.as_ref().is_none_or(|hosts| hosts.contains(&head.host))
            && self.workspace.is_none_or(|number| number == Some(asked.world.staff.user(head.host).workspace))
    }

    /// Hands out the matching calls after a position, in order, until `visit` returns false.
    fn each(&self, asked: &Asked<'_>, after: Option<(i64, u32)>, mut visit: impl FnMut(&Head) -> bool) {
        let world = asked.world;
        if world.config.blind_key {
            return;
        }
        let is_next = |head: &Head| after.is_none_or(|after| head.position() > after);
        if let Some(ids) = &self.ids {
            let mut heads: Vec<Head> = ids.iter().filter_map(|id| world.find_call(id)).collect();
            heads.sort_unstable_by_key(Head::position);
            heads.dedup_by_key(|head| head.position());
            for head in heads {
                if is_next(&head) && self.matches(asked, &head) && !visit(&head) {
                    return;
                }
            }
            return;
        }
        // No meeting was planned more than half a day before it was held.
        let slack_us = if self.moment == Moment::Scheduled { 43_200_000_000 } else { 0 };
        let from_us = self.span.from_us.saturating_sub(slack_us);
        let span = Span {
            from_us: after.map_or(from_us, |(after_us, _)| from_us.max(after_us)),
            to_us: self.span.to_us.saturating_add(slack_us),
        };
        world.scan(span, asked.now, |head| !(is_next(head) && self.matches(asked, head)) || visit(head));
    }

    /// One page of the matching calls, or the 404 of nothing.
    pub(super) fn page(&self, asked: &Asked<'_>, paging: &Paging) -> Result<Cut<Head>, Refusal> {
        let size = asked.world.config.page_size as usize;
        let mut records = Vec::with_capacity(size + 1);
        let mut total = 0;
        let counted = paging.total;
        self.each(asked, paging.after, |head| {
            if records.len() <= size {
                records.push((head.position(), *head));
            }
            total += 1;
            // Later pages carry the count of the first.
            counted.is_none() || records.len() <= size
        });
        if records.is_empty() {
            return Err(Refusal::no_calls());
        }
        let more = records.len() > size;
        records.truncate(size);
        let total = counted.unwrap_or(total + asked.world.config.total_records_ahead);
        Ok(Cut { total, records, more })
    }
}

pub(super) fn workspace_number(world: &World, id: &str) -> Option<u32> {
    (0..2).find(|number| world.workspace_id(*number).to_string() == id)
}
