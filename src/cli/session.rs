//! A job made ready: spec read and resolved, destination opened, Gong (or its simulator) connected.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use parquet::basic::{GzipLevel, ZstdLevel};
use secrecy::ExposeSecret;

use super::args::JobArgs;
use super::credentials;
use super::environment;
use super::error::Failure;
use super::exit_code::Exit;
use super::run_records::records;
use crate::calendar::DateRange;
use crate::dataset::privacy::{Kinds, Pseudonyms, digest};
use crate::dataset::{self, Dataset, Privacy};
use crate::engine::{Budget, Exclusion, Selection, TitlePatterns, UserList};
use crate::gong::{self, Auth, Client, Settings};
use crate::plan::{Circumstances, Inputs, Plan, Refresh};
use crate::sim;
use crate::sink::{Patience, Store, WriterSettings};
use crate::spec::{self, Exclude, JobSpec, PersonalKind, Problem, Problems, Pseudonymize, SourceKind, UserRef};
use crate::state::coverage::Coverage;
use crate::state::privacy_note::{PrivacyNote, PseudonymNote};
use crate::state::run_record::Past;

/// A job whose spec is sound.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) spec: JobSpec,
    path: PathBuf,
    pub(super) range: DateRange,
    pub(super) datasets: Vec<&'static Dataset>,
    /// The instant that the run counts from: the clock's, or what `--now` says.
    pub(super) now: DateTime<Utc>,
    fixed_now: bool,
    destination: String,
}

/// A client, and the simulator it speaks to if there is one.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: Client,
    /// Serves as long as it lives.
    _simulator: Option<Arc<sim::Running>>,
}

/// A process's simulator, kept from one run to the next as long as the job wants the same.
#[derive(Debug, Default)]
pub(super) struct KeptSimulator(Option<(sim::config::Config, Arc<sim::Running>)>);

type LoadSpec = fn(&str, &[u8], &[&str], &dyn Fn(&str) -> Option<String>) -> Result<JobSpec, Problems>;

impl Session {
    /// Reads the job and applies the command line. Nothing is fetched or written.
    pub(super) fn load(args: &JobArgs) -> Result<Self, Failure> {
        Self::new(Self::read_spec(args)?, args)
    }

    /// The same for a command that sends nothing to Gong: it needs no credentials, and cannot connect.
    pub(super) fn load_to_look(args: &JobArgs) -> Result<Self, Failure> {
        Self::new(Self::read_by(args, spec::load_without_credentials)?, args)
    }

    /// Reads the job alone, for who needs to know it even if it comes to nothing.
    pub(super) fn read_spec(args: &JobArgs) -> Result<JobSpec, Failure> {
        Self::read_by(args, spec::load)
    }

    fn read_by(args: &JobArgs, load: LoadSpec) -> Result<JobSpec, Failure> {
        let name = args.job.display().to_string();
        let text = read_bounded(&args.job).map_err(|error| {
            Failure::of(Exit::Usage, &format!("cannot read job spec `{name}`"), &error)
                .hint("`gong-export init` writes a commented starter job")
        })?;
        let known = dataset::group::names();
        Ok(load(&name, &text, &known, &environment::variable)?)
    }

    /// Applies the command line to a job, and resolves its dates.
    pub(super) fn new(spec: JobSpec, args: &JobArgs) -> Result<Self, Failure> {
        let now = args.now.unwrap_or_else(environment::now);
        let range = spec
            .range
            .overridden(args.from.as_deref(), args.to.as_deref())
            .and_then(|range| range.resolve(now).map_err(|problem| vec![problem]))
            .map_err(|problems| Problems { file: args.job.display().to_string(), problems, unlisted: 0 })?;
        let datasets = choose(&spec, &args.datasets)?;
        let destination = args.destination.clone().unwrap_or_else(|| spec.destination.url.clone());
        Ok(Self { spec, path: args.job.clone(), range, datasets, now, fixed_now: args.now.is_some(), destination })
    }

    pub(super) fn is_simulated(&self) -> bool {
        matches!(self.spec.source.kind, SourceKind::Simulator(_))
    }

    /// The job file's folder, which relative paths of the job are relative to.
    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Where the files go. A destination on the command line is relative to the current folder, one
    /// in the job to the job's.
    pub(super) fn open_store(&self, args: &JobArgs, patience: Patience) -> Result<Store, Failure> {
        let base = match args.destination {
            Some(_) => Path::new("."),
            None => self.folder(),
        };
        Ok(Store::open(&self.destination, &self.spec.destination.options, base, patience)?)
    }

    /// What is to be done, given what stands at the destination and what earlier runs left.
    pub(super) fn plan(&self, coverage: &Coverage, past: Past, full: bool) -> Plan {
        let (selection, privacy) = (self.selection_text(), self.privacy_note());
        let standing = self.circumstances(&selection, &privacy);
        Plan::new(Inputs {
            datasets: &self.datasets,
            range: self.range,
            partition_by: self.spec.destination.partition_by,
            circumstances: Circumstances {
                refresh: Refresh { full, ..standing.refresh },
                resumes: past.resumes,
                ..standing
            },
            coverage,
            by_participant: self.chooses_by_parties(),
        })
    }

    /// What a partition is judged by, whatever earlier runs did and this one is asked to.
    /// `selection` is [`Session::selection_text`], `privacy` is [`Session::privacy_note`].
    pub(super) fn circumstances<'a>(&self, selection: &'a str, privacy: &'a PrivacyNote) -> Circumstances<'a> {
        let refresh = self.spec.refresh;
        Circumstances {
            refresh: Refresh {
                settle: TimeDelta::days(refresh.settle_days.into()),
                transcripts_wait: TimeDelta::days(refresh.transcripts_wait_days.into()),
                full: false,
            },
            now: self.now,
            zone: self.spec.range.timezone,
            selection,
            privacy,
            simulated: self.is_simulated(),
            resumes: None,
        }
    }

    /// Whether calls are chosen by who took part in them.
    fn chooses_by_parties(&self) -> bool {
        let exclude = &self.spec.privacy.exclude;
        !self.spec.users.participants.is_empty() || !exclude.email_domains.is_empty() || !exclude.users.is_empty()
    }

    /// Which calls the job chooses and how it cuts them into days, as compact JSON for the footers:
    /// files with equal text hold the same subset.
    pub(super) fn selection_text(&self) -> String {
        let privacy = &self.spec.privacy;
        // Footers without addresses would be of no use if they named those of the job.
        let hides_emails = privacy.pseudonymize.as_ref().is_some_and(|p| p.kinds.contains(&PersonalKind::Email));
        let names = |users: &[UserRef]| match sorted_names(users) {
            names if hides_emails && !names.is_empty() => serde_json::json!(digest(&names.join("\n"))),
            names => serde_json::json!(names),
        };
        let mut selection = serde_json::json!({
            "hosts": names(&self.spec.users.hosts),
            "participants": names(&self.spec.users.participants),
            "workspace": self.spec.workspace,
            "private_calls": match self.spec.privacy.private_calls {
                spec::PrivateCalls::Include => "include",
                spec::PrivateCalls::Exclude => "exclude",
            },
            "timezone": self.spec.range.timezone.name(),
        });
        if !privacy.exclude.is_empty() {
            let Exclude { titles, email_domains, users } = &privacy.exclude;
            // A digest: who is left out is nobody's business who has the files.
            let excluded = serde_json::json!([titles, email_domains, sorted_names(users)]);
            selection["exclude"] = serde_json::json!(digest(&excluded.to_string()));
        }
        selection.to_string()
    }

    /// How the job treats personal data, as footers have it. Of a job that is only looked at the key is
    /// not known.
    pub(super) fn privacy_note(&self) -> PrivacyNote {
        let privacy = &self.spec.privacy;
        let pseudonyms = privacy.pseudonymize.as_ref().map(|pseudonymize| PseudonymNote {
            kinds: pseudonymize.kinds.iter().map(|kind| kind.word().to_owned()).collect(),
            keep_email_domains: pseudonymize.keep_email_domains,
            key: self.pseudonyms().map(|pseudonyms| pseudonyms.fingerprint()),
        });
        let excluded = sorted_names(&privacy.exclude.users);
        let excluded_users = (!excluded.is_empty()).then(|| digest(&excluded.join("\n")));
        PrivacyNote { pseudonyms, excluded_users }
    }

    fn pseudonyms(&self) -> Option<Pseudonyms> {
        let Pseudonymize { kinds, key, keep_email_domains } = self.spec.privacy.pseudonymize.as_ref()?;
        let has = |kind| kinds.contains(&kind);
        let kinds =
            Kinds { email: has(PersonalKind::Email), phone: has(PersonalKind::Phone), name: has(PersonalKind::Name) };
        Some(Pseudonyms::new(key.as_ref()?.expose_secret(), kinds, *keep_email_domains))
    }

    /// What replaces personal data, where the job asks for it. `users` is what [`Session::selection`]
    /// returned.
    pub(super) fn privacy(&self, users: Option<&UserList>) -> Option<Arc<Privacy>> {
        let pseudonyms = self.pseudonyms()?;
        Some(Arc::new(match users {
            Some(users) => users.privacy(pseudonyms),
            None => Privacy::new(pseudonyms, []),
        }))
    }

    /// What earlier runs at this destination tell: what is to be taken up, and today's requests.
    pub(super) async fn past(&self, store: &Store) -> Result<Past, Failure> {
        Ok(Past::new(&records(store, self.now, 0).await?, &self.spec.name, self.now))
    }

    pub(super) fn writer_settings(&self) -> WriterSettings {
        WriterSettings { compression: codec(self.spec.destination.compression) }
    }

    /// How many requests of the daily budget are left, `max` of them at most, and which of the two
    /// bounds the run.
    pub(super) fn requests_left(&self, past: Past, max: Option<u64>) -> (u64, Budget) {
        let per_day = self.spec.source.requests_per_day;
        let left = per_day.saturating_sub(past.requests_today);
        match max {
            Some(max) if max <= left => (max, Budget::Run(max)),
            _ if past.requests_today == 0 => (left, Budget::Day(per_day)),
            _ => (left, Budget::Rest),
        }
    }

    /// Connects to Gong, or starts the simulator.
    pub(super) async fn connect(&self, requests_max: Option<u64>) -> Result<Connection, Failure> {
        self.connect_keeping(&mut KeptSimulator::default(), requests_max).await
    }

    /// Connects to Gong, or to the simulator that is kept, which is started if need be.
    pub(super) async fn connect_keeping(
        &self,
        kept: &mut KeptSimulator,
        requests_max: Option<u64>,
    ) -> Result<Connection, Failure> {
        let source = &self.spec.source;
        let (base_url, auth, simulator) = match &source.kind {
            SourceKind::Simulator(config) => {
                let running = self.simulator(kept, config).await?;
                let auth = Auth::key(config.access_key.clone(), config.access_key_secret.clone());
                (running.base_url().clone(), auth, Some(running))
            }
            SourceKind::Gong { base_url, auth } => {
                let (base_url, auth) = credentials::find(base_url.as_ref(), auth.as_ref(), self.folder()).await?;
                (base_url, auth, None)
            }
        };
        let client = Client::new(Settings {
            base_url,
            auth,
            requests_per_second: source.requests_per_second,
            requests_max,
            limits: gong::Limits::default(),
        })?;
        Ok(Connection { client, _simulator: simulator })
    }

    async fn simulator(
        &self,
        kept: &mut KeptSimulator,
        config: &sim::config::Config,
    ) -> Result<Arc<sim::Running>, Failure> {
        if let KeptSimulator(Some((settings, running))) = kept
            && settings == config
        {
            return Ok(Arc::clone(running));
        }
        let clock = match self.fixed_now {
            true => sim::Clock::fixed(self.now),
            false => sim::Clock::from_fn(environment::now),
        };
        let running = sim::start(config.clone(), clock, None)
            .await
            .map_err(|error| Failure::of(Exit::Failed, "cannot start the simulator", &error))?;
        let running = Arc::new(running);
        kept.0 = Some((config.clone(), Arc::clone(&running)));
        Ok(running)
    }

    /// Which calls the job chooses. Names are looked up in the list of users, which comes back too; where
    /// people get pseudonyms, all users have to be known.
    pub(super) async fn selection(&self, client: &Client) -> Result<(Selection, Option<UserList>), Failure> {
        let (users, privacy) = (&self.spec.users, &self.spec.privacy);
        let titles = TitlePatterns::new(&privacy.exclude.titles)
            .map_err(|error| Failure::of(Exit::Usage, "`privacy.exclude.titles` is too large", &error))?;
        let email_domains = privacy.exclude.email_domains.iter().cloned().collect();
        let mut selection = Selection {
            workspace: self.spec.workspace.clone(),
            include_private: privacy.private_calls == spec::PrivateCalls::Include,
            exclusion: Exclusion { titles, email_domains, users: Vec::new() },
            ..Selection::default()
        };
        let names_nobody = users.hosts.is_empty() && users.participants.is_empty() && privacy.exclude.users.is_empty();
        if names_nobody && privacy.pseudonymize.is_none() {
            return Ok((selection, None));
        }
        let list = UserList::fetch(client, self.now).await?;
        let mut unknown = Vec::new();
        let mut resolve = |named: &[UserRef]| {
            list.resolve(named.iter().map(|user| user.value.as_str())).unwrap_or_else(|values| {
                unknown.extend(values.iter().filter_map(|user| named.get(user.index)).cloned());
                Vec::new()
            })
        };
        selection.hosts = resolve(&users.hosts).into_iter().map(|user| user.user_id).collect();
        selection.participants = resolve(&users.participants);
        selection.exclusion.users = resolve(&privacy.exclude.users);
        if unknown.is_empty() { Ok((selection, Some(list))) } else { Err(unknown_users(&self.path, &unknown).into()) }
    }
}

/// The names as the job has them, in an order and a case of their own.
fn sorted_names(users: &[UserRef]) -> Vec<String> {
    let mut names: Vec<_> = users.iter().map(|user| user.value.trim().to_lowercase()).collect();
    names.sort();
    names
}

/// The users of the job that Gong does not know, where the job names them.
fn unknown_users(path: &Path, users: &[UserRef]) -> Problems {
    let problem = |user: &UserRef| {
        Problem::at(
            user.position,
            format!("Gong knows no user `{}`", user.shown),
            "write the id or one of the e-mail addresses of a user of this Gong account",
        )
    };
    Problems { file: path.display().to_string(), problems: users.iter().map(problem).collect(), unlisted: 0 }
}

/// Reads a job file, and no more of it than tells that it is too long.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(spec::FILE_BYTES_MAX as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// The codec as Parquet knows it. Levels were checked with the job.
fn codec(compression: spec::Compression) -> parquet::basic::Compression {
    use parquet::basic::Compression as Codec;
    match compression {
        spec::Compression::Zstd(level) => Codec::ZSTD(ZstdLevel::try_new(level).unwrap_or_default()),
        spec::Compression::Snappy => Codec::SNAPPY,
        spec::Compression::Gzip(level) => Codec::GZIP(GzipLevel::try_new(level).unwrap_or_default()),
        spec::Compression::Lz4 => Codec::LZ4_RAW,
        spec::Compression::Uncompressed => Codec::UNCOMPRESSED,
    }
}

/// The job's datasets, narrowed by the command line.
fn choose(spec: &JobSpec, only: &[String]) -> Result<Vec<&'static Dataset>, Failure> {
    let of_job = dataset::group::expand(&spec.datasets);
    if only.is_empty() {
        return Ok(of_job);
    }
    for name in only {
        let named = dataset::group::expand(std::slice::from_ref(name));
        if !named.iter().any(|dataset| of_job.contains(dataset)) {
            let message = match named.as_slice() {
                [] => format!("--dataset {name}: unknown dataset"),
                _ => format!("--dataset {name}: the job does not name this dataset"),
            };
            let names: Vec<_> = of_job.iter().map(|dataset| dataset.name).collect();
            return Err(Failure::new(Exit::Usage, message).hint(format!("datasets of this job: {}", names.join(", "))));
        }
    }
    let only = dataset::group::expand(only);
    Ok(of_job.into_iter().filter(|dataset| only.contains(dataset)).collect())
}
