//! Groups: names that stand for several datasets in a job.

use super::{ALL, Dataset};

/// Which datasets belong together. A job that names a group gets all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// What a job gets that names no datasets.
    Standard,
    /// What a customer's own systems know of a call.
    Crm,
    /// What Gong makes of what was said.
    Content,
    /// How people spoke.
    Interaction,
    /// What people wrote about a call.
    Collaboration,
    /// What users did, by day.
    Stats,
    /// How calls were judged.
    Scorecards,
    /// What an administrator set up.
    Settings,
    /// Who did what in Gong.
    Logs,
}

/// What `all` leaves out: it is large, it is of no use to analysts, and no analyst should have it by
/// accident.
const NOT_IN_ALL: Group = Group::Logs;

/// The name for everything but the logs.
const EVERYTHING: &str = "all";

impl Group {
    const ALL: [Self; 9] = [
        Self::Standard,
        Self::Crm,
        Self::Content,
        Self::Interaction,
        Self::Collaboration,
        Self::Stats,
        Self::Scorecards,
        Self::Settings,
        Self::Logs,
    ];

    /// What a job calls it; `None` for the one that a job gets by naming nothing.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Standard => None,
            Self::Crm => Some("crm"),
            Self::Content => Some("content"),
            Self::Interaction => Some("interaction"),
            Self::Collaboration => Some("collaboration"),
            Self::Stats => Some("stats"),
            Self::Scorecards => Some("scorecards"),
            Self::Settings => Some("settings"),
            Self::Logs => Some("logs"),
        }
    }
}

/// Every name that a job may list: datasets, groups that have any, and `all`. A name of both kinds
/// stands here once.
pub fn names() -> Vec<&'static str> {
    let has_members = |group: &Group| ALL.iter().any(|dataset| dataset.group == *group);
    let groups = Group::ALL.into_iter().filter(has_members).filter_map(Group::name);
    let mut names: Vec<_> = super::names().chain(groups).chain([EVERYTHING]).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The datasets that a job means by `names`, in the order of the register; those of a job that names
/// none when `names` is empty. `scorecards` is a dataset and a group, and means both.
pub fn expand<S: AsRef<str>>(names: &[S]) -> Vec<&'static Dataset> {
    let is_meant = |dataset: &Dataset, name: &str| {
        name == dataset.name
            || dataset.group.name() == Some(name)
            || (name == EVERYTHING && dataset.group != NOT_IN_ALL)
    };
    let wanted = |dataset: &&'static Dataset| match names {
        [] => dataset.group == Group::Standard,
        names => names.iter().any(|name| is_meant(dataset, name.as_ref())),
    };
    ALL.iter().copied().filter(wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(names: &[&str]) -> Vec<&'static str> {
        expand(names).into_iter().map(|dataset| dataset.name).collect()
    }

    #[test]
    fn no_name_means_the_standard_datasets() {
        assert_eq!(expanded(&[]), ["calls", "parties", "transcripts", "users", "activity_stats"]);
        assert_eq!(expanded(&["users", "calls"]), ["calls", "users"]);
        assert!(expanded(&["nonsense"]).is_empty());
    }

    #[test]
    fn all_is_everything_but_the_logs() {
        let all = expanded(&["all"]);
        for dataset in ALL {
            assert_eq!(all.contains(&dataset.name), dataset.group != Group::Logs, "{}", dataset.name);
        }
        assert_eq!(expanded(&["all", "calls"]), all);
    }

    #[test]
    fn every_name_means_something() {
        for name in names() {
            assert!(!expanded(&[name]).is_empty(), "{name}");
        }
    }
}
