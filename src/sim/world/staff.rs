//! The users of the simulated account: who works there, for whom, since when, doing what.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, TimeDelta, Utc};

use super::names;
use crate::sim::config::Config;
use crate::sim::rng::{Rng, Stream};
use crate::sim::script::Intent;

/// What a user does for a living; decides which calls they host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    Lead,
    Manager,
    Seller,
    Success,
    Support,
    Engineer,
    /// Has a seat but no calls.
    Office,
}

impl Job {
    fn of(number: u32) -> Self {
        match number {
            0 => Self::Lead,
            n if n % 25 == 24 => Self::Office,
            n => match n % 9 {
                1 => Self::Manager,
                6 => Self::Success,
                7 => Self::Support,
                8 => Self::Engineer,
                _ => Self::Seller,
            },
        }
    }

    fn titles(self) -> &'static [&'static str] {
        match self {
            Self::Lead => &["Chief Revenue Officer"],
            Self::Manager => &["Sales Manager", "Team Lead", "Director of Sales"],
            Self::Seller => &["Account Executive", "Account Manager", "Sales Development Representative"],
            Self::Success => &["Customer Success Manager"],
            Self::Support => &["Support Specialist", "Support Engineer"],
            Self::Engineer => &["Solutions Engineer"],
            Self::Office => &["Revenue Operations", "Office Manager"],
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) number: u32,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) title: Option<&'static str>,
    pub(crate) phone: Option<String>,
    pub(crate) extension: Option<String>,
    pub(crate) created: DateTime<Utc>,
    /// From this instant on the user is inactive.
    pub(crate) left: Option<DateTime<Utc>>,
    pub(crate) manager: Option<u32>,
    /// BCP 47.
    pub(crate) language: &'static str,
    /// 0 or 1.
    pub(crate) workspace: u32,
    pub(crate) job: Job,
}

impl User {
    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    pub(crate) fn works_at(&self, instant: DateTime<Utc>) -> bool {
        self.created <= instant && self.left.is_none_or(|left| instant < left)
    }
}

/// All users, and those who host each kind of call.
#[derive(Debug)]
pub(crate) struct Staff {
    pub(crate) users: Vec<User>,
    sellers: Vec<u32>,
    success: Vec<u32>,
    support: Vec<u32>,
    engineers: Vec<u32>,
}

impl Staff {
    pub(crate) fn new(config: &Config) -> Self {
        let mut users: Vec<User> = Vec::with_capacity(config.users as usize);
        let mut taken = BTreeSet::new();
        for number in 0..config.users {
            users.push(user(config, number, &mut taken));
        }
        let with_job = |job| users.iter().filter(|u| u.job == job).map(|u| u.number).collect::<Vec<_>>();
        let (sellers, success, support, engineers) =
            (with_job(Job::Seller), with_job(Job::Success), with_job(Job::Support), with_job(Job::Engineer));
        Self { users, sellers, success, support, engineers }
    }

    pub(crate) fn user(&self, number: u32) -> &User {
        &self.users[number as usize]
    }

    /// Somebody who works there at that time and hosts such calls; the lead when there is nobody.
    pub(crate) fn host(&self, intent: Intent, at: DateTime<Utc>, rng: &mut Rng) -> u32 {
        let group = match intent {
            Intent::Support => &self.support,
            Intent::Renewal => &self.success,
            _ => &self.sellers,
        };
        let group = if group.is_empty() { &self.sellers } else { group };
        self.one_of(group, at, rng).unwrap_or(0)
    }

    pub(crate) fn engineer(&self, at: DateTime<Utc>, rng: &mut Rng) -> Option<u32> {
        self.one_of(&self.engineers, at, rng)
    }

    pub(crate) fn colleague(&self, at: DateTime<Utc>, rng: &mut Rng) -> Option<u32> {
        self.one_of(&self.sellers, at, rng)
    }

    /// A few tries, each drawn whether or not it is needed, so that the later draws stay in place.
    fn one_of(&self, group: &[u32], at: DateTime<Utc>, rng: &mut Rng) -> Option<u32> {
        let mut found = None;
        for _ in 0..4 {
            let candidate = group.get(rng.index(group.len())).copied();
            found = found.or_else(|| candidate.filter(|c| self.user(*c).works_at(at)));
        }
        found
    }
}

fn user(config: &Config, number: u32, taken: &mut BTreeSet<String>) -> User {
    let mut rng = Rng::new(config.seed, Stream::User, &[u64::from(number)]);
    let job = Job::of(number);
    let first_name = rng.pick(&names::FIRST_NAMES).to_owned();
    let last_name = rng.pick(&names::LAST_NAMES).to_owned();
    let mut local = format!("{}.{}", names::plain(&first_name), names::plain(&last_name));
    if taken.contains(&local) {
        local.push_str(&number.to_string());
    }
    taken.insert(local.clone());
    let email = format!("{local}@{}", names::VENDOR_DOMAIN);
    let alias = rng.chance(0.2);
    let aliases = if alias { vec![format!("{}@mail.{}", local, names::VENDOR_DOMAIN)] } else { Vec::new() };
    let title = rng.pick(job.titles());
    let has_title = !rng.chance(0.1);
    let phone = format!("+1 555-01{:02}", rng.below(100));
    let has_phone = rng.chance(0.4);
    let extension = rng.between(100, 999).to_string();
    let has_extension = rng.chance(0.15);
    let start = config.first_day.and_hms_opt(9, 0, 0).expect("nine o'clock is a time").and_utc();
    let before = Days::new(rng.between(20, 1500) as u64);
    let after = Days::new(rng.between(1, 600) as u64);
    let joined_later = rng.chance(0.15) && number > 3;
    let created =
        if joined_later { start + after } else { start - before } + TimeDelta::milliseconds(rng.between(0, 36_000_000));
    let stayed = Days::new(rng.between(60, 700) as u64);
    // The lead stays, so that there is always somebody to host a call.
    let left = (number % 11 == 10).then(|| created.max(start) + stayed);
    let manager = match job {
        Job::Lead => None,
        Job::Manager => Some(0),
        _ => {
            let manager = number - number % 9 + 1;
            (manager < number && Job::of(manager) == Job::Manager).then_some(manager)
        }
    };
    User {
        number,
        first_name,
        last_name,
        email,
        aliases,
        title: has_title.then_some(title),
        phone: has_phone.then_some(phone),
        extension: has_extension.then_some(extension),
        created,
        left,
        manager,
        language: ["en-US", "en-GB", "de-DE", "fr-FR", "es-ES"][rng.weighted(&[70, 12, 8, 5, 5])],
        workspace: u32::from(number % 6 == 5),
        job,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_unique_and_managers_exist() {
        let config = Config { users: 3000, ..Config::default() };
        let staff = Staff::new(&config);
        let emails: BTreeSet<&str> = staff.users.iter().map(|u| u.email.as_str()).collect();
        assert_eq!(emails.len(), 3000);
        for user in &staff.users {
            assert!(user.manager.is_none_or(|m| m < user.number), "{}", user.number);
        }
        assert!(staff.users.iter().any(|u| u.left.is_some()));
        assert!(staff.users.iter().any(|u| u.manager.is_none() && u.number > 0));
    }

    #[test]
    fn a_company_of_one_hosts_its_own_calls() {
        let staff = Staff::new(&Config { users: 1, ..Config::default() });
        let at = "2026-01-05T12:00:00Z".parse().unwrap();
        for (intent, _) in Intent::ALL {
            assert_eq!(staff.host(intent, at, &mut Rng::new(1, Stream::Call, &[])), 0);
        }
    }
}
