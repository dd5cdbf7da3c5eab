//! What is made from the lists besides that of calls: listed whole, decoded, put in order, and written
//! one file a dataset and day. What is so long that it would not fit into memory is listed in parts.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task;
use tracing::{debug, info};

use super::context::Context;
use super::partition_files::{Origin, PartitionFiles};
use super::unit_error::UnitError;
use super::users::UserList;
use super::{Event, Fetch, hidden_calls, joined, pages};
use crate::dataset::by_day::SortedByDay;
use crate::dataset::{Record, RowsByDay, Source, USERS};
use crate::gong::endpoint::Request;
use crate::gong::list::{Ask, Extent, List, Span};
use crate::gong::model::{Drift, Object};
use crate::gong::{self, Client, ErrorKind, Page};
use crate::plan::ListPlan;
use crate::state::run_record::{Counts, WindowRecord};

/// Lists that are read side by side. They share the pace with the calls, so more of them would only
/// take more memory.
const LISTS_AT_ONCE: usize = 3;

/// Listings of one list that are begun side by side.
const LISTINGS_AT_ONCE: usize = 4;

/// The most text that a list is expected to send for the days of one plan; for more, the days are
/// split, so that memory is bounded.
const LIST_BYTES_MAX: u64 = 16 << 20;

/// How far back to look for a day with any activity, whose answer tells the company's zone.
const ZONE_LOOKBACK_DAYS: u64 = 30;

/// Exports all lists. `users` is the list of users if it was needed before the run.
pub(super) async fn export(context: &Arc<Context>, plans: Vec<ListPlan>, mut users: Option<UserList>) {
    let mut by_list: Vec<(Vec<ListPlan>, Option<Listed>)> = Vec::new();
    for plan in plans {
        match by_list.last_mut() {
            Some((same, _)) if same[0].list == plan.list => same.push(plan),
            _ => {
                let is_users = plan.datasets.contains(&&USERS);
                let listed = if is_users { users.take().map(Listed::of_users) } else { None };
                by_list.push((vec![plan], listed));
            }
        }
    }
    let export_list = |(plans, mut listed): (Vec<ListPlan>, Option<Listed>)| async move {
        for plan in plans {
            export_days(context, plan, listed.take()).await;
        }
    };
    // What ended one run may end this one: lists that come one after the other come to an end within
    // a budget of which each would get a part only, and are not read for nothing.
    let at_once = if context.job.resumes.is_some() { 1 } else { LISTS_AT_ONCE };
    stream::iter(by_list).for_each_concurrent(at_once, export_list).await;
}

/// Exports the days of one plan, those that are over where Gong insists on that.
async fn export_days(context: &Arc<Context>, plan: ListPlan, mut listed: Option<Listed>) {
    let clipped = match clip(context, &plan).await {
        Ok(clipped) => clipped,
        Err(error) => return context.unit_failed(&unit(&plan), &error),
    };
    let mut waiting: Vec<ListPlan> = clipped.into_iter().collect();
    while let Some(part) = waiting.pop() {
        let fetched = match listed.take() {
            Some(listed) => Ok(Fetched::Whole(listed)),
            None => fetch(context, &part).await,
        };
        let result = match fetched {
            Ok(Fetched::Split(days)) => {
                // The earliest days are taken first.
                waiting.extend(part.split(days).into_iter().rev());
                continue;
            }
            Ok(Fetched::Whole(listed)) => write(context, &part, listed).await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            context.unit_failed(&unit(&part), &error);
        }
    }
}

fn unit(plan: &ListPlan) -> String {
    let ListPlan { list, from, to, .. } = plan;
    if plan.days() == 1 { format!("{} of {from}", list.name) } else { format!("{} from {from} to {to}", list.name) }
}

/// Leaves out the days that are not over, for a list that Gong gives of complete days only. Which those
/// are depends on the company's zone, so it is asked for, but only when the range comes near to today.
async fn clip(context: &Context, plan: &ListPlan) -> Result<Option<ListPlan>, UnitError> {
    let now = context.now();
    let surely = ListPlan::surely_over(now);
    if !plan.list.only_over() || plan.to <= surely {
        return Ok(Some(plan.clone()));
    }
    let zone = context.company_zone.get_or_try_init(|| company_zone(context, surely)).await?;
    let today = zone.map_or(surely, |zone| now.with_timezone(&zone).date_naive());
    let (clipped, left_out) = plan.clip(today);
    context.days_left_out(left_out);
    Ok(clipped)
}

/// The company's zone, from the activity of the last days before `to`; `None` when Gong does not tell,
/// or not to this key.
async fn company_zone(context: &Context, to: NaiveDate) -> Result<Option<Tz>, UnitError> {
    let request = Request::activity(to - Days::new(ZONE_LOOKBACK_DAYS), to, &[]);
    let answer = match context.unless_stopping(context.client.fetch(&request)).await {
        Err(UnitError::Gong(error)) if error.kind() == ErrorKind::Credentials => None,
        answer => answer?,
    };
    let zone = answer.and_then(|page| page.text("timeZone")).and_then(|name| name.parse::<Tz>().ok());
    if zone.is_none() {
        context.warn(
            "Gong did not tell the company's time zone; statistics are exported up to the last day that is over \
             everywhere"
                .to_owned(),
        );
    }
    Ok(zone)
}

/// All that a list sent for the days of one plan.
#[derive(Debug)]
struct Listed {
    as_of: DateTime<Utc>,
    listings: Vec<OneListing>,
}

#[derive(Debug)]
struct OneListing {
    /// What it was asked with.
    with: Option<String>,
    pages: Vec<Page>,
}

enum Fetched {
    Whole(Listed),
    /// Too much at once; so many days at a time are not.
    Split(u64),
}

impl Listed {
    fn of_users(list: UserList) -> Self {
        let (as_of, pages) = list.into_pages();
        Self { as_of, listings: vec![OneListing { with: None, pages }] }
    }

    /// What the listings announced together, where each gave a number. One without a page announced
    /// that there is nothing.
    fn announced(&self) -> Option<u64> {
        self.listings.iter().map(|listing| listing.pages.first().map_or(Some(0), Page::announced)).sum()
    }
}

async fn fetch(context: &Context, plan: &ListPlan) -> Result<Fetched, UnitError> {
    let as_of = context.now();
    let client = &context.client;
    let span = Span::new(plan.from, plan.to, context.job.zone).and_then(|span| span.until(as_of));
    let Some(span) = span else {
        return Ok(Fetched::Whole(Listed { as_of, listings: Vec::new() }));
    };
    let reject = |page: &Page, index: usize, reason: &str| context.reject(page, index, reason);
    let OfEach { members, .. } = context.unless_stopping(of_each(client, plan.list, span, &reject)).await?;
    let begin = |Ask { with, request }| async move {
        let mut listing = client.listing(request.clone());
        let first = context.unless_stopping(listing.next()).await?;
        Ok::<_, UnitError>((with, request, listing, first))
    };
    let begun: Vec<_> =
        stream::iter(plan.list.requests(span, &members)).map(begin).buffered(LISTINGS_AT_ONCE).try_collect().await?;

    let days = plan.days();
    let firsts = begun.iter().filter_map(|(_, _, _, first)| first.as_ref());
    let expected = firsts.map(bytes_expected).fold(0, u64::saturating_add);
    if let Some(days) = days_at_a_time(days, expected) {
        debug!(list = plan.list.name, expected, days, "list split");
        return Ok(Fetched::Split(days));
    }
    let fetch = Fetch::List(plan.list.name);
    let mut listings = Vec::with_capacity(begun.len());
    for (with, request, listing, first) in begun {
        let pages = match first {
            None => Vec::new(),
            Some(first) => {
                let announced = first.announced().unwrap_or(first.len() as u64);
                context.emit(&Event::Announced { fetch, records: announced });
                context.unless_stopping(pages::rest(client, &request, first, listing)).await?
            }
        };
        context.emit(&Event::Fetched { fetch, records: pages.iter().map(|page| page.len() as u64).sum() });
        listings.push(OneListing { with, pages });
    }
    Ok(Fetched::Whole(Listed { as_of, listings }))
}

/// How much text a listing comes to, judged by its first page.
fn bytes_expected(first: &Page) -> u64 {
    let (bytes, records) = (first.size_bytes() as u64, first.len() as u64);
    let announced = first.announced().unwrap_or(records).max(records);
    // A number beyond all reason is no reason to fail.
    u64::try_from(u128::from(bytes) * u128::from(announced) / u128::from(records.max(1))).unwrap_or(u64::MAX)
}

/// How many of `days` to fetch at a time when all of them come to `expected` bytes; `None` when that is
/// not too much, or cannot be less.
fn days_at_a_time(days: u64, expected: u64) -> Option<u64> {
    if expected <= LIST_BYTES_MAX || days <= 1 {
        return None;
    }
    let fitting = u128::from(days) * u128::from(LIST_BYTES_MAX) / u128::from(expected);
    // Fewer than `days`, since `expected` is more than the most.
    Some(u64::try_from(fitting).unwrap_or(days).max(1))
}

/// What a list has to be asked with, from another list.
#[derive(Debug, Default)]
struct OfEach {
    members: Vec<String>,
    /// How many requests it took to learn them.
    requests: u64,
}

/// The members of the other list's records that `list` is asked with; nothing for one that does not
/// depend on another. What belongs to a record without the member cannot be asked for: `reject` is told
/// of it, by page, place and reason, whether or not the job exports the other list, too.
async fn of_each(
    client: &Client,
    list: &'static List,
    span: Span,
    reject: &(dyn Fn(&Page, usize, &str) + Sync),
) -> Result<OfEach, gong::Error> {
    let Extent::NowOfEach { list: other, member, .. } = &list.extent else {
        return Ok(OfEach::default());
    };
    let OfEach { members, mut requests } = Box::pin(of_each(client, other, span, reject)).await?;
    let asks = other.requests(span, &members);
    let mut members = Vec::new();
    for Ask { request, .. } in asks {
        let pages = pages::all(client, &request).await?;
        requests += pages.len().max(1) as u64;
        for page in pages {
            for (index, raw) in page.records().enumerate() {
                match Object::parse(raw).and_then(|mut record| Some(record.id(member)?.into_owned())) {
                    Some(value) => members.push(value),
                    None => reject(&page, index, &format!("{} cannot be listed without its {member}", list.name)),
                }
            }
        }
    }
    Ok(OfEach { members, requests })
}

/// Decodes what was listed and makes the files of its days visible, each day by itself: one that would
/// shrink stays and keeps no other from being written.
async fn write(context: &Arc<Context>, plan: &ListPlan, listed: Listed) -> Result<(), UnitError> {
    let (as_of, announced) = (listed.as_of, listed.announced());
    let (mut made, mut counts) = blocking(context, plan, move |context, plan| decode(context, plan, &listed)).await;

    let ids = made.iter().flat_map(SortedByDay::call_ids).collect();
    let hidden = hidden_calls::among(context, ids).await?;
    // Where each record is one row, a row that is left out is a record that is.
    let one_to_one = made.first().is_some_and(|rows| rows.rows + rows.outside == counts.written);
    let mut left_out = 0;
    for (place, rows) in made.iter_mut().enumerate() {
        let mut of_calls = rows.leave_out_unseen_calls(&hidden.unseen);
        of_calls.rows += rows.leave_out_calls(&hidden.unwanted).rows;
        let of_users = rows.leave_out_users(|id| context.job.selection.excludes_user(id));
        left_out += of_calls.rows + of_users.rows;
        if place == 0 && one_to_one {
            counts.duplicates += rows.copies;
            counts.private += of_calls.rows;
            counts.excluded += of_users.rows;
            counts.outside += rows.outside;
            counts.written -= rows.copies + rows.outside + of_calls.rows + of_users.rows;
        } else if place == 0 {
            // Records of several rows are those of a user each.
            counts.excluded += of_users.ids.len() as u64;
            counts.written = counts.written.saturating_sub(of_users.ids.len() as u64);
        }
    }
    if left_out > 0 {
        info!(
            event = "rows_left_out",
            list = plan.list.name,
            rows = left_out,
            "rows about calls or users that the job leaves out"
        );
    }
    let outside: u64 = made.iter().map(|rows| rows.outside).max().unwrap_or_default();
    if outside > 0 {
        context.warn(format!("{}: Gong sent {outside} days that were not asked for, left out", unit(plan)));
    }
    blocking(context, plan, move |context, plan| commit(context, plan, as_of, announced, made)).await?;
    context.window(WindowRecord {
        fetch: plan.list.name.to_owned(),
        from: plan.from.to_string(),
        to: plan.to.to_string(),
        announced,
        counts,
    });
    Ok(())
}

async fn blocking<T: Send + 'static>(
    context: &Arc<Context>,
    plan: &ListPlan,
    work: impl FnOnce(&Context, &ListPlan) -> T + Send + 'static,
) -> T {
    let (context, plan) = (Arc::clone(context), plan.clone());
    joined(task::spawn_blocking(move || work(&context, &plan)).await)
}

/// Makes the rows of every dataset; a record that one of them cannot decode is kept aside.
fn decode(context: &Context, plan: &ListPlan, listed: &Listed) -> (Vec<SortedByDay>, Counts) {
    let rows = |dataset| RowsByDay::new(dataset, plan.from, plan.to).guarded(context.job.privacy.clone());
    let mut made: Vec<_> = plan.datasets.iter().copied().map(rows).collect();
    let mut counts = Counts::default();
    let mut drift = Drift::default();
    for OneListing { with, pages } in &listed.listings {
        for page in pages {
            for (index, raw) in page.records().enumerate() {
                counts.fetched += 1;
                let record = Record { raw, with: with.as_deref(), day: plan.from, zone: context.job.zone };
                let decoded = made.iter_mut().try_for_each(|out| match out.dataset().source {
                    Source::List { rows, .. } => rows(&record, out, &mut drift),
                    Source::Call { .. } => unreachable!("a plan of a list has datasets made from that list"),
                });
                match decoded {
                    Ok(()) => counts.written += 1,
                    Err(rejected) => {
                        counts.rejected += 1;
                        context.reject(page, index, &rejected.reason);
                    }
                }
            }
            drift.replaced_characters += page.replaced_characters();
        }
    }
    context.drift(drift);
    (made.into_iter().map(RowsByDay::finish).collect(), counts)
}

fn commit(
    context: &Context,
    plan: &ListPlan,
    as_of: DateTime<Utc>,
    announced: Option<u64>,
    mut made: Vec<SortedByDay>,
) -> Result<(), UnitError> {
    for partition in plan.partitions() {
        if context.is_stopping() {
            return Err(UnitError::Stopped);
        }
        let day = partition.first_day();
        let mut files = PartitionFiles::create(context, &plan.datasets, partition)?;
        for rows in &mut made {
            if let Some(batch) = rows.take(day) {
                files.batch(context, rows.dataset, &batch)?;
            }
            files.withhold(rows.dataset, rows.withheld_on(day));
        }
        // A day of which no record tells when it began: the job's day stands in.
        let window = made.iter().find_map(|rows| rows.period_of(day));
        let window = window.unwrap_or_else(|| partition.span(context.job.zone));
        match files.commit(context, &Origin::new(as_of, window, announced)) {
            Err(error @ UnitError::Shrunk { .. }) => context.unit_failed(&unit(&plan.of_day(partition)), &error),
            committed => committed?,
        }
    }
    Ok(())
}

/// What one request tells about a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Records of one listing.
    pub records: u64,
    /// How many listings the list takes.
    pub listings: u64,
    /// How many requests of other lists it takes to know them.
    pub before: u64,
}

/// Asks for the first page of the first listing of `list` over some days, and for the records of other
/// lists that this takes.
pub async fn probe(client: &Client, list: &'static List, span: Span) -> Result<Probe, gong::Error> {
    let OfEach { members, requests: before } = of_each(client, list, span, &|_, _, _| ()).await?;
    let asks = list.requests(span, &members);
    let listings = asks.len() as u64;
    let page = match asks.into_iter().next() {
        Some(Ask { request, .. }) => client.fetch(&request).await?,
        None => None,
    };
    let records = page.map_or(0, |page| page.announced().unwrap_or(page.len() as u64));
    Ok(Probe { records, listings, before })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Parts are as large as memory allows, and there is an end to splitting.
        #[test]
        fn days_at_a_time_fit_into_memory(days in 0u64..20_000, expected in 0u64..) {
            match days_at_a_time(days, expected) {
                None => prop_assert!(days <= 1 || expected <= LIST_BYTES_MAX),
                Some(part) => {
                    prop_assert!((1..days).contains(&part));
                    let bytes = |part: u64| u128::from(expected) * u128::from(part) / u128::from(days);
                    prop_assert!(part == 1 || bytes(part) <= u128::from(LIST_BYTES_MAX));
                    prop_assert!(bytes(part + 1) >= u128::from(LIST_BYTES_MAX), "{part} of {days} days could be more");
                }
            }
        }
    }
}
