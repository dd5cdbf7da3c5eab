//! From the shapes to a [`JobSpec`]: what values mean, alone and together. Notes every problem and
//! makes a spec only of what had none. Pure.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::Purpose;
use super::compression::Compression;
use super::dates::DateExpr;
use super::destination::check_destination;
use super::field::{Field, Located};
use super::job::{Destination, JobSpec, Refresh, UserRef, Users};
use super::node::Node;
use super::problem::{Notes, Place, Position, quoted, quoted_url};
use super::range::{Bound, Range};
use super::raw;
use super::suggest::closest;
use crate::calendar::PartitionBy;

/// What the shapes are checked against, and where problems go.
pub(super) struct Checker<'a> {
    /// The whole file, for the parts that are not decoded by the shapes.
    pub(super) tree: &'a Node,
    /// The file's name without its ending: the default of the job's name.
    pub(super) stem: &'a str,
    /// The names of datasets and groups.
    pub(super) datasets: &'a [&'a str],
    /// Whether keys and the like are needed, or the job is only looked at.
    pub(super) purpose: Purpose,
    pub(super) notes: &'a mut Notes,
}

/// Calls are final after a week: most appear within an hour, late ones within days.
const SETTLE_DAYS: u32 = 7;
/// Transcripts that have not come after a month never come.
const TRANSCRIPT_DAYS: u32 = 30;
/// Longer waits would list years every night.
const DAYS_MAX: u32 = 366;

/// A key that has to be there; `after` is where it is missed.
pub(super) fn required<T>(
    field: Field<T>,
    path: &str,
    after: Position,
    remedy: &str,
    notes: &mut Notes,
) -> Option<Located<T>> {
    if matches!(field, Field::Absent) {
        notes.at(after, format!("`{path}` is missing"), remedy);
    }
    field.present()
}

impl Checker<'_> {
    /// All parts are looked at, whatever is wrong with one of them. `None` only with a problem noted.
    pub(super) fn job(&mut self, job: raw::Job) -> Option<JobSpec> {
        let start = self.tree.position;
        let version = self.version(job.version, start);
        let name = self.name(job.name, start);
        let source = self.source(job.source);
        let range = required(job.range, "range", start, "add `range:` and below it `from: 30 days ago`", self.notes)
            .and_then(|range| self.range(range));
        let users = self.users(job.users);
        let workspace = self.workspace(job.workspace);
        let datasets = self.datasets(job.datasets);
        let remedy = "add `destination:` and below it `url: ./export`";
        let destination = required(job.destination, "destination", start, remedy, self.notes)
            .and_then(|destination| self.destination(destination));
        let refresh = self.refresh(job.refresh);
        let privacy = self.privacy(job.privacy);
        let notify = self.notify(job.notify);
        version?;
        Some(JobSpec {
            name: name?,
            source: source?,
            range: range?,
            users: users?,
            workspace: workspace?,
            datasets: datasets?,
            destination: destination?,
            refresh: refresh?,
            privacy: privacy?,
            notify: notify?,
        })
    }

    fn refresh(&mut self, refresh: Field<raw::Refresh>) -> Option<Refresh> {
        let refresh = match refresh {
            Field::Absent => raw::Refresh::default(),
            Field::Invalid => return None,
            Field::Present(refresh) => refresh.value,
        };
        let settle_days = self.days(refresh.settle_days, "settle_days", SETTLE_DAYS);
        let transcripts_wait_days = self.days(refresh.transcripts_wait_days, "transcripts_wait_days", TRANSCRIPT_DAYS);
        Some(Refresh { settle_days: settle_days?, transcripts_wait_days: transcripts_wait_days? })
    }

    fn days(&mut self, days: Field<u64>, key: &str, default: u32) -> Option<u32> {
        let days = match days {
            Field::Absent => return Some(default),
            Field::Invalid => return None,
            Field::Present(days) => days,
        };
        match u32::try_from(days.value) {
            Ok(count) if count <= DAYS_MAX => Some(count),
            _ => {
                let message = format!("`refresh.{key}` must be at most {DAYS_MAX}, not {}", quoted(&days.shown));
                self.notes.at(days.position, message, format!("write a number of days, such as `{default}`"));
                None
            }
        }
    }

    fn version(&mut self, version: Field<u64>, start: Position) -> Option<()> {
        let version = required(version, "version", start, "begin the file with `version: 1`", self.notes)?;
        if version.value != 1 {
            let message = format!("version {} of the job format is not known", quoted(&version.shown));
            self.notes.at(version.position, message, "write `version: 1`, or use a newer gong-export");
            return None;
        }
        Some(())
    }

    fn name(&mut self, name: Field<String>, start: Position) -> Option<String> {
        const CHARS_MAX: usize = 64;
        let fits = |name: &str| {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            plain && (1..=CHARS_MAX).contains(&name.len()) && !name.starts_with(['.', '-'])
        };
        let rule = format!("up to {CHARS_MAX} letters, digits, `-`, `_` and `.`, the first one not `.` or `-`");
        match name {
            Field::Present(name) if fits(&name.value) => Some(name.value),
            Field::Present(name) => {
                let message = format!("{} is not a name for a job", quoted(&name.shown));
                self.notes.at(name.position, message, format!("use {rule}"));
                None
            }
            Field::Absent if fits(self.stem) => Some(self.stem.to_owned()),
            Field::Absent => {
                let message = format!("`name` is missing, and the file's name, {}, cannot stand in", quoted(self.stem));
                self.notes.at(start, message, format!("add `name:` with {rule}"));
                None
            }
            Field::Invalid => None,
        }
    }

    fn range(&mut self, range: Located<raw::Range>) -> Option<Range> {
        let Located { value: range, position, .. } = range;
        let timezone = match range.timezone {
            Field::Absent => Some(Tz::UTC),
            Field::Invalid => None,
            Field::Present(timezone) => self.timezone(&timezone),
        };
        let from = required(range.from, "range.from", position, "add `from: 30 days ago` below `range:`", self.notes)
            .and_then(|from| self.bound(&from, "range.from"));
        let to = match range.to {
            Field::Absent => Some(Bound { date: DateExpr::Today, place: Place::File }),
            Field::Invalid => None,
            Field::Present(to) => self.bound(&to, "range.to"),
        };
        Some(Range { from: from?, to: to?, timezone: timezone? })
    }

    fn bound(&mut self, text: &Located<String>, path: &str) -> Option<Bound> {
        Bound::parse(&text.value, path, &text.shown, Place::At(text.position))
            .map_err(|problem| self.notes.add(problem))
            .ok()
    }

    fn timezone(&mut self, name: &Located<String>) -> Option<Tz> {
        if let Ok(zone) = name.value.parse() {
            return Some(zone);
        }
        let written = name.value.replace(' ', "_");
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        // Many write the city alone.
        let of_city = |city: &str| names.clone().find(|name| name.rsplit('/').next() == Some(city));
        let cities = names.clone().filter_map(|name| name.rsplit('/').next());
        let remedy = match closest(&written, names.clone()).or_else(|| closest(&written, cities).and_then(of_city)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "write an IANA name, such as `UTC`, `Europe/Berlin` or `America/New_York`".to_owned(),
        };
        self.notes.at(name.position, format!("unknown time zone {}", quoted(&name.shown)), remedy);
        None
    }

    fn users(&mut self, users: Field<raw::Users>) -> Option<Users> {
        let Located { value: users, position, .. } = match users {
            Field::Absent => return Some(Users::default()),
            Field::Invalid => return None,
            Field::Present(users) => users,
        };
        let hosts = self.user_list(users.hosts, "users.hosts");
        let participants = self.user_list(users.participants, "users.participants");
        let (hosts, participants) = (hosts?, participants?);
        if hosts.is_empty() && participants.is_empty() {
            self.notes.at(
                position,
                "`users` names nobody",
                "list users under `hosts` or `participants`, or remove `users` to export everybody's calls",
            );
            return None;
        }
        Some(Users { hosts, participants })
    }

    /// `None` when one of them was noted.
    pub(super) fn user_list(&mut self, list: Field<Vec<Field<raw::Id>>>, path: &str) -> Option<Vec<UserRef>> {
        let list = match list {
            Field::Absent => return Some(Vec::new()),
            Field::Invalid => return None,
            Field::Present(list) => list.value,
        };
        let count = list.len();
        let mut users = Vec::with_capacity(count);
        for user in list.into_iter().filter_map(Field::present) {
            let user = Located { value: user.value.0.trim().to_owned(), position: user.position, shown: user.shown };
            if is_email_address(&user.value) || is_id(&user.value) {
                users.push(user);
            } else {
                let message = format!("{} in `{path}` is neither an e-mail address nor a user id", quoted(&user.shown));
                let remedy = "write an address such as `mara@vendor.example`, or the digits of a Gong user id";
                self.notes.at(user.position, message, remedy);
            }
        }
        (users.len() == count).then_some(users)
    }

    fn workspace(&mut self, workspace: Field<raw::Id>) -> Option<Option<String>> {
        let workspace = match workspace {
            Field::Absent => return Some(None),
            Field::Invalid => return None,
            Field::Present(workspace) => workspace,
        };
        let id = workspace.value.0.trim();
        if !is_id(id) {
            let message = format!("{} is not the id of a workspace", quoted(&workspace.shown));
            let remedy =
                "write the digits of the id, such as `\"2290571133478806610\"`, or remove the key for all workspaces";
            self.notes.at(workspace.position, message, remedy);
            return None;
        }
        Some(Some(id.to_owned()))
    }

    fn datasets(&mut self, datasets: Field<Vec<Field<String>>>) -> Option<Vec<String>> {
        let Located { value: list, position, .. } = match datasets {
            Field::Absent => return Some(Vec::new()),
            Field::Invalid => return None,
            Field::Present(list) => list,
        };
        let mut known = self.datasets.to_vec();
        known.sort_unstable();
        let known_list = format!("known datasets: {}", known.join(", "));
        if list.is_empty() {
            self.notes.at(
                position,
                "`datasets` names none",
                format!("remove the key for the usual ones; {known_list}"),
            );
            return None;
        }
        let count = list.len();
        let mut names = Vec::with_capacity(count);
        for dataset in list.into_iter().filter_map(Field::present) {
            let Located { value: name, position, shown } = dataset;
            if !known.contains(&name.as_str()) {
                let remedy = match closest(&name, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`? {known_list}"),
                    None => known_list.clone(),
                };
                self.notes.at(position, format!("unknown dataset {}", quoted(&shown)), remedy);
            } else if names.contains(&name) {
                self.notes.at(position, format!("dataset {} is listed twice", quoted(&shown)), "keep one of them");
            } else {
                names.push(name);
            }
        }
        (names.len() == count).then_some(names)
    }

    fn destination(&mut self, destination: Located<raw::Destination>) -> Option<Destination> {
        let Located { value: destination, position, .. } = destination;
        let remedy = "add `url: ./export` below `destination:`";
        let url = required(destination.url, "destination.url", position, remedy, self.notes).and_then(|url| {
            if let Err(error) = check_destination(&url.value) {
                let message = format!("{} in `destination.url` {error}", quoted_url(&url.shown));
                self.notes.at(url.position, message, error.remedy());
                return None;
            }
            Some(url.value.trim().to_owned())
        });
        let partition_by = match destination.partition_by {
            Field::Absent => Some(PartitionBy::Day),
            Field::Invalid => None,
            Field::Present(by) => Some(by.value.into()),
        };
        let compression = match destination.compression {
            Field::Absent => Some(Compression::default()),
            Field::Invalid => None,
            Field::Present(text) => match text.value.parse::<Compression>() {
                Ok(compression) => Some(compression),
                Err(error) => {
                    self.notes.at(
                        text.position,
                        format!("{} in `destination.compression` {error}", quoted(&text.shown)),
                        error.remedy(),
                    );
                    None
                }
            },
        };
        let mut options = BTreeMap::new();
        for (name, value) in destination.options.present().map(|options| options.value).unwrap_or_default() {
            if let Some(value) = value.present() {
                options.insert(name, value.value.0);
            }
        }
        Some(Destination { url: url?, partition_by: partition_by?, compression: compression?, options })
    }
}

fn is_id(text: &str) -> bool {
    // Ids are 64-bit numbers, some of them beyond the signed ones.
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it looks like one; Gong tells whether it is.
fn is_email_address(text: &str) -> bool {
    match text.split_once('@') {
        Some((name, host)) => {
            !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(char::is_whitespace)
        }
        None => false,
    }
}
