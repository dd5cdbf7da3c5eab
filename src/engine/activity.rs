//! Activity by day: a listing by user, each record with all days asked for, turned into a file a day.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use tracing::debug;

use super::by_user::by_user;
use super::context::Context;
use super::partition_files::{Origin, PartitionFiles};
use super::unit_error::UnitError;
use super::{Event, Fetch, pages};
use crate::calendar::DateRange;
use crate::dataset::Source;
use crate::gong::Page;
use crate::gong::endpoint::Request;
use crate::gong::model::UserActivity;
use crate::plan::ActivityPlan;
use crate::state::run_record::WindowRecord;

/// A listing holds users times days; beyond this many the days are split, so that memory is bounded.
const USER_DAYS_MAX: u64 = 40_000;

/// How far back to look for a day with any activity, whose answer tells the company's zone.
const ZONE_LOOKBACK_DAYS: u64 = 30;

/// Exports the days that are over in the company's zone.
pub(super) async fn export(context: &Arc<Context>, plan: ActivityPlan) {
    let unit = |from: NaiveDate, to: NaiveDate| format!("activity from {from} to {to}");
    let clipped = match clip(context, &plan).await {
        Ok(clipped) => clipped,
        Err(error) => return context.unit_failed(&unit(plan.from, plan.to), &error),
    };
    let mut waiting: Vec<ActivityPlan> = clipped.into_iter().collect();
    while let Some(part) = waiting.pop() {
        match list(context, &part).await {
            Ok(Listed::Complete(listing)) => {
                let (context, part) = (Arc::clone(context), part.clone());
                let task = tokio::task::spawn_blocking(move || {
                    if let Err(error) = write(&context, &part, &listing) {
                        context.unit_failed(&unit(part.from, part.to), &error);
                    }
                });
                task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            }
            Ok(Listed::Split(days)) => {
                waiting.push(ActivityPlan { from: part.from + Days::new(days), ..part.clone() });
                waiting.push(ActivityPlan { to: part.from + Days::new(days), ..part });
            }
            Err(error) => context.unit_failed(&unit(part.from, part.to), &error),
        }
    }
}

/// Leaves out the days that are not over. Which those are depends on the company's zone, so it is
/// asked for, but only when the range comes near to today.
async fn clip(context: &Context, plan: &ActivityPlan) -> Result<Option<ActivityPlan>, UnitError> {
    let now = context.now();
    let surely = ActivityPlan::surely_over(now);
    if plan.to <= surely {
        return Ok(Some(plan.clone()));
    }
    let request = Request::activity(surely - Days::new(ZONE_LOOKBACK_DAYS), surely, &[]);
    let answer = context.unless_stopping(context.client.fetch(&request)).await?;
    let zone = answer.and_then(|page| page.text("timeZone")).and_then(|name| name.parse::<Tz>().ok());
    let today = match zone {
        Some(zone) => now.with_timezone(&zone).date_naive(),
        None => {
            context.warn(
                "Gong did not tell the company's time zone; activity is exported up to the last day that is over everywhere".to_owned(),
            );
            surely
        }
    };
    let (clipped, left_out) = plan.clip(today);
    context.days_left_out(left_out);
    Ok(clipped)
}

struct Listing {
    pages: Vec<Page>,
    as_of: DateTime<Utc>,
}

enum Listed {
    Complete(Listing),
    /// Too much for one listing; this many days are to be fetched first.
    Split(u64),
}

async fn list(context: &Context, plan: &ActivityPlan) -> Result<Listed, UnitError> {
    let as_of = context.now();
    let request = Request::activity_by_day(plan.from, plan.to);
    let days = u64::try_from((plan.to - plan.from).num_days()).unwrap_or(1);
    // The first page tells how many users there are.
    let mut listing = context.client.listing(request.clone());
    let Some(first) = context.unless_stopping(listing.next()).await? else {
        return Ok(Listed::Complete(Listing { pages: Vec::new(), as_of }));
    };
    let users = first.announced().unwrap_or(first.len() as u64).max(1);
    if users * days > USER_DAYS_MAX && days > 1 {
        let days = (USER_DAYS_MAX / users).clamp(1, days - 1);
        debug!(users, days, "activity split");
        return Ok(Listed::Split(days));
    }
    context.emit(&Event::Announced { fetch: Fetch::Activity, records: users });
    let pages = context.unless_stopping(pages::rest(&context.client, &request, first, listing)).await?;
    let fetched = pages.iter().map(|page| page.len() as u64).sum();
    context.emit(&Event::Fetched { fetch: Fetch::Activity, records: fetched });
    Ok(Listed::Complete(Listing { pages, as_of }))
}

fn write(context: &Context, plan: &ActivityPlan, listing: &Listing) -> Result<(), UnitError> {
    let Source::Activity { rows } = plan.dataset.source else {
        unreachable!("an activity plan has a dataset made from activity");
    };
    let (users, counts) = by_user(context, &listing.pages, UserActivity::decode, |user| &user.user_id);

    let announced = listing.pages.first().and_then(Page::announced);
    for partition in plan.partitions() {
        if context.is_stopping() {
            return Err(UnitError::Stopped);
        }
        let mut files = PartitionFiles::create(context, &[plan.dataset], partition)?;
        let mut window: Option<DateRange> = None;
        for user in users.values() {
            for day in user.days.iter().filter(|day| day.date == partition.first_day()) {
                files.row(context, |_, target| rows(user, day, target))?;
                window = window.or_else(|| DateRange::new(day.period_start, day.period_end?));
            }
        }
        // A day without any activity has no period of its own to tell: the job's day stands in.
        let window = window.unwrap_or_else(|| partition.span(context.job.zone));
        files.commit(context, &Origin::new(listing.as_of, window, announced))?;
    }
    let days_outside =
        users.values().flat_map(|user| &user.days).filter(|day| day.date < plan.from || plan.to <= day.date).count();
    if days_outside > 0 {
        context.warn(format!(
            "activity from {} to {}: Gong sent {days_outside} days outside of that range, left out",
            plan.from, plan.to
        ));
    }
    context.window(WindowRecord {
        fetch: Fetch::Activity.name().to_owned(),
        from: plan.from.to_string(),
        to: plan.to.to_string(),
        announced,
        counts,
    });
    Ok(())
}
