//! The list of users: fetched once a run, for the snapshot and to find the users that a job names.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::by_user::by_user;
use super::context::Context;
use super::partition_files::{Origin, PartitionFiles};
use super::selection::Directory;
use super::unit_error::UnitError;
use super::{Event, Fetch, Participant, UnknownUser, pages};
use crate::dataset::Source;
use crate::dataset::privacy::{Privacy, Pseudonyms};
use crate::gong::endpoint::Request;
use crate::gong::model::{Drift, User};
use crate::gong::{self, Client, Page};
use crate::plan::UserPlan;
use crate::state::run_record::WindowRecord;

/// All users of the company, as Gong sent them.
#[derive(Debug)]
pub struct UserList {
    pages: Vec<Page>,
    announced: Option<u64>,
    as_of: DateTime<Utc>,
}

impl UserList {
    /// Fetches the list. `as_of` is the instant at which that begins.
    pub async fn fetch(client: &Client, as_of: DateTime<Utc>) -> Result<Self, gong::Error> {
        let pages = pages::all(client, &Request::users()).await?;
        Ok(Self { announced: pages.first().and_then(Page::announced), pages, as_of })
    }

    /// The users meant by `values`, ids or e-mail addresses (aliases too), or all values that mean
    /// nobody.
    pub fn resolve<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> Result<Vec<Participant>, Vec<UnknownUser>> {
        let mut directory = Directory::default();
        for user in &self.users() {
            directory.add(user);
        }
        directory.resolve(values)
    }

    /// What makes pseudonyms, knowing all users by name.
    pub fn privacy(&self, pseudonyms: Pseudonyms) -> Privacy {
        Privacy::new(pseudonyms, &self.users())
    }

    /// Those that can be decoded. What the records hold beyond the names is noted when they become rows.
    fn users(&self) -> Vec<User<'_>> {
        let records = self.pages.iter().flat_map(Page::records);
        records.filter_map(|raw| User::decode(raw, &mut Drift::default()).ok()).collect()
    }
}

/// Writes the snapshot of users.
pub(super) async fn export(context: &Arc<Context>, plan: UserPlan, list: Option<UserList>) {
    if let Err(error) = try_export(context, &plan, list).await {
        context.unit_failed(&format!("users of {}", plan.partition), &error);
    }
}

async fn try_export(context: &Arc<Context>, plan: &UserPlan, list: Option<UserList>) -> Result<(), UnitError> {
    let list = match list {
        Some(list) => list,
        None => context.unless_stopping(UserList::fetch(&context.client, context.now())).await?,
    };
    let fetched = list.pages.iter().map(|page| page.len() as u64).sum();
    context.emit(&Event::Announced { fetch: Fetch::Users, records: list.announced.unwrap_or(fetched) });
    context.emit(&Event::Fetched { fetch: Fetch::Users, records: fetched });
    let task = {
        let (context, plan) = (Arc::clone(context), plan.clone());
        tokio::task::spawn_blocking(move || write(&context, &plan, &list))
    };
    task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

fn write(context: &Context, plan: &UserPlan, list: &UserList) -> Result<(), UnitError> {
    let Source::User { rows } = plan.dataset.source else {
        unreachable!("a user plan has a dataset made from users");
    };
    let (users, counts) = by_user(context, &list.pages, User::decode, |user| &user.id);

    let mut files = PartitionFiles::create(context, &[plan.dataset], plan.partition)?;
    for user in users.values() {
        files.row(context, |_, target| rows(user, target))?;
    }
    files.commit(context, &Origin::new(list.as_of, plan.partition.span(context.job.zone), list.announced))?;
    context.window(WindowRecord {
        fetch: Fetch::Users.name().to_owned(),
        from: plan.partition.to_string(),
        to: plan.partition.next().to_string(),
        announced: list.announced,
        counts,
    });
    Ok(())
}
