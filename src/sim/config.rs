//! The simulator's switches: one definition for the job spec's `simulator:` block, for the flags of
//! `gong-export simulator` and for the JSON Schema. The comments on the fields are what users read
//! in `--help`.
//!
//! Out of the box the account is a healthy, ordinary one, with the noise that every account has: a
//! few private calls, imported calls without parties, calls without transcript. What would be
//! trouble (late data, faults, lost permissions) has to be switched on.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to simulate. Shares run from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Every seed is another company; the same seed and switches give the same answers for ever.
    #[arg(long, default_value_t = Config::default().seed)]
    pub seed: u64,
    /// Number of Gong users, active and inactive.
    #[arg(long, default_value_t = Config::default().users)]
    #[schemars(range(min = 1, max = 20_000))]
    pub users: u32,
    /// Calls on an ordinary working day; weekends have a twelfth of that.
    #[arg(long, default_value_t = Config::default().calls_per_day)]
    #[schemars(range(min = 0, max = 200_000))]
    pub calls_per_day: u32,
    /// Sentences in an average call; its length follows.
    #[arg(long, default_value_t = Config::default().sentences_per_call)]
    #[schemars(range(min = 5, max = 50_000))]
    pub sentences_per_call: u32,
    /// First day with calls, in the company's time zone.
    #[arg(long, default_value_t = Config::default().first_day)]
    #[schemars(with = "String")]
    pub first_day: NaiveDate,
    /// The company's time zone, as an IANA name.
    #[arg(long, default_value_t = Config::default().timezone)]
    pub timezone: String,
    /// The instant at which the simulated account stands still; the real time when not given.
    #[arg(long)]
    #[schemars(with = "Option<String>")]
    pub now: Option<DateTime<Utc>>,

    /// Records on a page. The real API always sends 100.
    #[arg(long, default_value_t = Config::default().page_size)]
    #[schemars(range(min = 1, max = 1_000))]
    pub page_size: u32,
    /// Requests admitted within any one second; 0 admits all.
    #[arg(long, default_value_t = Config::default().requests_per_second)]
    pub requests_per_second: u32,
    /// Requests admitted within a day (UTC); 0 admits all.
    #[arg(long, default_value_t = Config::default().requests_per_day)]
    pub requests_per_day: u64,
    /// Milliseconds that every answer takes at least.
    #[arg(long, default_value_t = Config::default().latency_ms)]
    #[schemars(range(max = 600_000))]
    pub latency_ms: u64,
    /// Compresses answers for clients that accept it. Off, because on loopback it costs more than it
    /// saves.
    #[arg(long)]
    pub gzip: bool,
    /// Seconds after its first page at which a listing's cursors expire.
    #[arg(long, default_value_t = Config::default().cursor_life_s)]
    pub cursor_life_s: u64,

    /// Access key that is let in.
    #[arg(long, default_value_t = Config::default().access_key)]
    pub access_key: String,
    /// Its secret.
    #[arg(long, default_value_t = Config::default().access_key_secret)]
    pub access_key_secret: String,
    /// Bearer token that is let in, until it is refreshed.
    #[arg(long, default_value_t = Config::default().access_token)]
    pub access_token: String,
    /// Scopes of the credential, by their full names; all when not given.
    #[arg(long, value_delimiter = ',')]
    pub scopes: Option<Vec<String>>,
    /// Requests after which the credential is refused until it is refreshed; 0 never refuses it.
    #[arg(long, default_value_t = Config::default().expire_token_after)]
    pub expire_token_after: u64,
    /// The caller's address is not on the key's list: everything is refused with 403.
    #[arg(long)]
    pub allow_list_refuses: bool,
    /// The credential sees no calls: listings are as empty as for a range without calls.
    #[arg(long)]
    pub blind_key: bool,
    /// Sends every request to this URL instead of answering it.
    #[arg(long)]
    pub redirect_to: Option<String>,

    /// Share of private calls.
    #[arg(long, default_value_t = Config::default().private_calls)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub private_calls: f64,
    /// Share of calls without a list of parties, as imported ones are.
    #[arg(long, default_value_t = Config::default().calls_without_parties)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub calls_without_parties: f64,
    /// Share of calls that never get a transcript.
    #[arg(long, default_value_t = Config::default().calls_without_transcript)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub calls_without_transcript: f64,
    /// Share of transcripts in which somebody speaks whom Gong could not name.
    #[arg(long, default_value_t = Config::default().null_speakers)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub null_speakers: f64,
    /// Share of calls that become visible only hours or days later.
    #[arg(long, default_value_t = Config::default().late_calls)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub late_calls: f64,
    /// Hours after their start at which late calls become visible.
    #[arg(long, default_value_t = Config::default().late_call_hours)]
    #[schemars(range(max = 100_000))]
    pub late_call_hours: u32,
    /// Share of calls whose transcript and analysis come later than the call.
    #[arg(long, default_value_t = Config::default().late_transcripts)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub late_transcripts: f64,
    /// Hours after the start of the call at which late transcripts come.
    #[arg(long, default_value_t = Config::default().late_transcript_hours)]
    #[schemars(range(max = 100_000))]
    pub late_transcript_hours: u32,
    /// Share of calls that somebody deletes.
    #[arg(long, default_value_t = Config::default().deleted_calls)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub deleted_calls: f64,
    /// Days after their start at which they vanish.
    #[arg(long, default_value_t = Config::default().deleted_after_days)]
    #[schemars(range(max = 10_000))]
    pub deleted_after_days: u32,
    /// By how many records `totalRecords` of a listing of calls runs ahead of what is delivered.
    #[arg(long, default_value_t = Config::default().total_records_ahead)]
    pub total_records_ahead: u64,
    /// Sends fields that no document mentions.
    #[arg(long)]
    pub unknown_fields: bool,
    /// Sends enumeration values that no document mentions, now and then.
    #[arg(long)]
    pub unknown_values: bool,
    /// Ids of 20 digits, which exceed a signed 64-bit integer.
    #[arg(long)]
    pub long_ids: bool,
    /// An account without any calls.
    #[arg(long)]
    pub empty_account: bool,

    /// Share of requests that fail.
    #[arg(long, default_value_t = Config::default().error_rate)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub error_rate: f64,
    /// How they fail; all ways but stalling when empty.
    #[arg(long, value_delimiter = ',', value_enum)]
    pub error_kinds: Vec<ErrorKind>,
    /// The `Retry-After` header of throttled requests among them.
    #[arg(long, default_value_t = Config::default().retry_after)]
    pub retry_after: String,
    /// Milliseconds for which a stalled request hangs.
    #[arg(long, default_value_t = Config::default().stall_ms)]
    pub stall_ms: u64,
}

/// A way for a request to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// 502 with a page of HTML from a gateway
    BadGateway,
    /// 503 with an empty body
    Unavailable,
    /// 500 with the usual envelope
    Internal,
    /// The connection is reset before an answer
    Reset,
    /// The connection is closed in the middle of the body
    Truncated,
    /// Nothing comes for a while, then the answer
    Stall,
    /// 429 with `Retry-After`
    Throttled,
    /// 429 without `Retry-After`
    ThrottledBare,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 7,
            users: 25,
            calls_per_day: 40,
            sentences_per_call: 90,
            first_day: NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day of the calendar"),
            timezone: "America/New_York".to_owned(),
            now: None,
            page_size: 100,
            requests_per_second: 3,
            requests_per_day: 10_000,
            latency_ms: 0,
            gzip: false,
            cursor_life_s: 3600,
            access_key: "simulator".to_owned(),
            access_key_secret: "simulator-secret".to_owned(),
            access_token: "simulator-token".to_owned(),
            scopes: None,
            expire_token_after: 0,
            allow_list_refuses: false,
            blind_key: false,
            redirect_to: None,
            private_calls: 0.03,
            calls_without_parties: 0.02,
            calls_without_transcript: 0.04,
            null_speakers: 0.01,
            late_calls: 0.0,
            late_call_hours: 48,
            late_transcripts: 0.0,
            late_transcript_hours: 72,
            deleted_calls: 0.0,
            deleted_after_days: 3,
            total_records_ahead: 0,
            unknown_fields: false,
            unknown_values: false,
            long_ids: false,
            empty_account: false,
            error_rate: 0.0,
            error_kinds: Vec::new(),
            retry_after: "1".to_owned(),
            stall_ms: 30_000,
        }
    }
}

/// A value that cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("simulator: `{field}` {reason}")]
pub struct Invalid {
    /// Name of the field, as in a job.
    pub field: &'static str,
    /// What is wrong with its value, and what would be right.
    pub reason: String,
}

impl Config {
    /// Finds all values that cannot be simulated.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        let mut found = Vec::new();
        let shares = [
            ("private_calls", self.private_calls),
            ("calls_without_parties", self.calls_without_parties),
            ("calls_without_transcript", self.calls_without_transcript),
            ("null_speakers", self.null_speakers),
            ("late_calls", self.late_calls),
            ("late_transcripts", self.late_transcripts),
            ("deleted_calls", self.deleted_calls),
            ("error_rate", self.error_rate),
        ];
        for (field, share) in shares {
            // Written so that NaN is refused too.
            if !(0.0..=1.0).contains(&share) {
                found.push(Invalid { field, reason: format!("is {share}, but a share lies between 0 and 1") });
            }
        }
        let numbers = [
            ("users", u64::from(self.users), 1, 20_000),
            ("calls_per_day", u64::from(self.calls_per_day), 0, 200_000),
            ("sentences_per_call", u64::from(self.sentences_per_call), 5, 50_000),
            ("page_size", u64::from(self.page_size), 1, 1_000),
            ("latency_ms", self.latency_ms, 0, 600_000),
            ("stall_ms", self.stall_ms, 0, 86_400_000),
            ("cursor_life_s", self.cursor_life_s, 0, 31_536_000),
            ("late_call_hours", u64::from(self.late_call_hours), 0, 100_000),
            ("late_transcript_hours", u64::from(self.late_transcript_hours), 0, 100_000),
            ("deleted_after_days", u64::from(self.deleted_after_days), 0, 10_000),
            ("total_records_ahead", self.total_records_ahead, 0, 1_000_000),
        ];
        for (field, value, low, high) in numbers {
            if !(low..=high).contains(&value) {
                found.push(Invalid { field, reason: format!("is {value}, but must lie between {low} and {high}") });
            }
        }
        if self.timezone.parse::<Tz>().is_err() {
            let reason = format!("is `{}`, which is no IANA time zone such as America/New_York", self.timezone);
            found.push(Invalid { field: "timezone", reason });
        }
        let (low, high) = (day(1980), day(2200));
        if !(low..=high).contains(&self.first_day) {
            let reason = format!("is {}, but must lie between {low} and {high}", self.first_day);
            found.push(Invalid { field: "first_day", reason });
        }
        for scope in self.scopes.iter().flatten() {
            if !SCOPES.contains(&scope.as_str()) {
                let reason = format!("names `{scope}`; known scopes: {}", SCOPES.join(", "));
                found.push(Invalid { field: "scopes", reason });
            }
        }
        if !self.retry_after.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            found.push(Invalid { field: "retry_after", reason: "holds characters that no HTTP header may".to_owned() });
        }
        if let Some(to) = &self.redirect_to
            && url::Url::parse(to).is_err()
        {
            found.push(Invalid { field: "redirect_to", reason: format!("is `{to}`, which is no absolute URL") });
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

fn day(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).expect("a day of the calendar")
}

/// The scopes of the simulated operations.
pub(super) const SCOPES: [&str; 16] = [
    "api:calls:read:basic",
    "api:calls:read:extensive",
    "api:calls:read:media-url",
    "api:calls:read:transcript",
    "api:call-user-access:read",
    "api:users:read",
    "api:stats:user-actions",
    "api:stats:user-actions:detailed",
    "api:stats:interaction",
    "api:stats:scorecards",
    "api:settings:scorecards:read",
    "api:settings:trackers:read",
    "api:workspaces:read",
    "api:library:read",
    "api:logs:read",
    "api:call-outcomes:read",
];

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, CommandFactory, FromArgMatches};

    fn from_flags(flags: &[&str]) -> Result<Config, clap::Error> {
        let command = Config::augment_args(clap::Command::new("simulator"));
        Config::from_arg_matches(&command.try_get_matches_from([&["simulator"], flags].concat())?)
    }

    #[test]
    fn flags_and_an_empty_block_mean_the_same() {
        assert_eq!(from_flags(&[]).unwrap(), Config::default());
        assert_eq!(serde_json::from_str::<Config>("{}").unwrap(), Config::default());
        Config::default().check().unwrap();
    }

    #[test]
    fn flags_are_named_like_fields() {
        #[derive(clap::Parser)]
        struct Command {
            #[command(flatten)]
            config: Config,
        }
        let config = serde_json::to_value(Config::default()).unwrap();
        let fields: Vec<String> = config.as_object().unwrap().keys().map(|k| k.replace('_', "-")).collect();
        let command = Command::command();
        let mut flags: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        flags.sort_unstable();
        assert_eq!(flags, fields);
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} has no help", argument.get_id());
        }
    }

    #[test]
    fn lists_and_instants_are_read_from_both() {
        let flags = ["--error-kinds", "reset,stall", "--now", "2026-03-01T00:00:00Z", "--scopes", "api:users:read"];
        let block =
            r#"{"error_kinds": ["reset", "stall"], "now": "2026-03-01T00:00:00Z", "scopes": ["api:users:read"]}"#;
        assert_eq!(from_flags(&flags).unwrap(), serde_json::from_str(block).unwrap());
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let error = serde_json::from_str::<Config>(r#"{"call_per_day": 3}"#).unwrap_err();
        assert!(error.to_string().contains("call_per_day"), "{error}");
    }

    #[test]
    fn all_bad_values_are_named_at_once() {
        let config = Config {
            users: 0,
            timezone: "Mars/Olympus".to_owned(),
            error_rate: f64::NAN,
            scopes: Some(vec!["api:calls:read".to_owned()]),
            ..Config::default()
        };
        let found = config.check().unwrap_err();
        let fields: Vec<&str> = found.iter().map(|i| i.field).collect();
        assert_eq!(fields, ["error_rate", "users", "timezone", "scopes"]);
        assert_eq!(found[1].to_string(), "simulator: `users` is 0, but must lie between 1 and 20000");
    }

    #[test]
    fn the_schema_carries_the_comments() {
        let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
        assert_eq!(schema["properties"]["users"]["description"], "Number of Gong users, active and inactive.");
        assert_eq!(schema["properties"]["private_calls"]["maximum"], 1.0);
        assert_eq!(schema["additionalProperties"], false);
    }
}
