//! The shape of a job file: every key, its type and its description, once. serde decodes it, schemars
//! makes the JSON Schema from it, so the two cannot disagree. The doc comments are what users read in
//! their editors. What values mean together is for [`check`](super::check).
//!
//! A key without `default` is required: the schema says so, and `check` reports it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::field::{Field, Secret};
use crate::calendar;
use crate::sim;

/// A job of gong-export: what to fetch from Gong and where to write it.
///
/// In any value, `${VAR}` is replaced by the environment variable VAR, and `${VAR:-text}` by `text`
/// when VAR is unset or empty. `$${` stands for a literal `${`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "gong-export job")]
pub(super) struct Job {
    /// Version of this format. Always 1.
    #[schemars(extend("const" = 1))]
    pub version: Field<u64>,
    /// Name of the job in logs, reports and file metadata: letters, digits, `-`, `_` and `.`.
    /// Default: the name of the file without its ending.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"))]
    pub name: Field<String>,
    /// The Gong account to read from, or a simulated one.
    /// Default: a real account, address and keys from the environment or the credentials file.
    #[serde(default)]
    pub source: Field<Source>,
    /// Which calls, by the time they started.
    pub range: Field<Range>,
    /// Whose calls. Default: everybody's.
    #[serde(default)]
    pub users: Field<Users>,
    /// Id of one Gong workspace. Default: all that the access key can see.
    #[serde(default)]
    #[schemars(example = "2290571133478806610")]
    pub workspace: Field<Id>,
    /// What to export: datasets, groups of them, or `all`, which leaves out the logs. Default: calls, parties, users,
    /// transcripts and activity_stats.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub datasets: Field<Vec<Field<String>>>,
    /// Where the Parquet files go.
    pub destination: Field<Destination>,
    /// For how long what is exported is looked at again.
    #[serde(default)]
    pub refresh: Field<Refresh>,
    /// What to leave out, and which personal data to replace by pseudonyms.
    #[serde(default)]
    pub privacy: Field<Privacy>,
    /// Whom to tell how a run ended. Default: nobody.
    #[serde(default)]
    pub notify: Field<Notify>,
}

/// Either a Gong account (`base_url` and `auth`) or a simulated one (`simulator`).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    /// Address of your company's Gong API. Gong shows it where access keys are made.
    /// Default: the variable GONG_BASE_URL, else the credentials file.
    #[serde(default)]
    #[schemars(example = "https://us-12345.api.gong.io", example = "${GONG_BASE_URL}")]
    pub base_url: Field<String>,
    /// How to sign in. Default: the variables GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, or
    /// GONG_ACCESS_TOKEN, else the credentials file.
    #[serde(default)]
    pub auth: Field<Auth>,
    /// Requests a second, at most. Gong allows 3; lower it when other programs use the account.
    #[serde(default)]
    #[schemars(range(max = 100), extend("exclusiveMinimum" = 0, "default" = 3))]
    pub requests_per_second: Field<f64>,
    /// Requests a day, at most, over all runs on one destination. Gong allows a company 10,000.
    #[serde(default)]
    #[schemars(range(min = 1), extend("default" = 10_000))]
    pub requests_per_day: Field<u64>,
    /// Read from a simulated Gong account instead, to try things out without a real one.
    #[serde(default)]
    pub simulator: Field<Simulator>,
}

/// Where [`Auth`] stands: no message shows what is written there, be it a key or a value.
pub(super) const AUTH_PATH: &str = "source.auth";

/// Either `access_key` with `access_key_secret`, or `token`, or `oauth`. Better a variable than the secret itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    /// Access key, as Gong shows it.
    #[serde(default)]
    #[schemars(example = "${GONG_ACCESS_KEY}")]
    pub access_key: Field<Secret>,
    /// Secret of the access key.
    #[serde(default)]
    #[schemars(example = "${GONG_ACCESS_KEY_SECRET}")]
    pub access_key_secret: Field<Secret>,
    /// OAuth access token, in place of an access key.
    #[serde(default)]
    #[schemars(example = "${GONG_ACCESS_TOKEN}")]
    pub token: Field<Secret>,
    /// An OAuth app, whose tokens are renewed and stored as they change.
    #[serde(default)]
    pub oauth: Field<OAuth>,
}

/// Where [`OAuth`] stands; the same holds there.
pub(super) const OAUTH_PATH: &str = "source.auth.oauth";

/// An OAuth app that an administrator has authorised.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OAuth {
    /// Client id of the app.
    #[schemars(example = "${GONG_CLIENT_ID}")]
    pub client_id: Field<Secret>,
    /// Client secret of the app.
    #[schemars(example = "${GONG_CLIENT_SECRET}")]
    pub client_secret: Field<Secret>,
    /// File with the tokens (relative to this file): at first Gong's answer to the authorisation code,
    /// rewritten whenever they are renewed, so its folder must be writable. One file for each app.
    #[schemars(length(min = 1), example = "./gong-tokens.json")]
    pub token_file: Field<String>,
    /// Where tokens are renewed.
    #[serde(default)]
    #[schemars(extend("default" = "https://app.gong.io/oauth2/generate-customer-token"))]
    pub token_url: Field<String>,
}

/// From the start of one day up to, and not including, the start of another.
///
/// Dates are: `2025-01-31`; `2025-01-31T08:00:00-05:00`; `today`; `yesterday`; `30 days ago`,
/// `2 weeks ago`, `6 months ago`; `start of month`, `start of quarter`, `start of year`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    /// First day, included.
    #[schemars(example = "30 days ago", example = "2025-01-01", example = "start of year")]
    pub from: Field<String>,
    /// First day that is no longer included.
    #[serde(default)]
    #[schemars(example = &"today", example = "2025-02-01", extend("default" = "today"))]
    pub to: Field<String>,
    /// Time zone that days are days of, in ranges and in the folders of the result: a name from the
    /// IANA time zone database.
    #[serde(default)]
    #[schemars(example = "America/New_York", extend("default" = "UTC"))]
    pub timezone: Field<String>,
}

/// Whose calls to export: users of Gong by e-mail address or user id.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Users {
    /// Calls that one of these users hosted. Gong itself selects them, which saves requests.
    #[serde(default)]
    #[schemars(example = ["mara@vendor.example", "6120044873310295518"])]
    pub hosts: Field<Vec<Field<Id>>>,
    /// Calls that one of these users took part in. Selected after fetching.
    #[serde(default)]
    pub participants: Field<Vec<Field<Id>>>,
}

/// Where and how to write.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Destination {
    /// A folder (relative to this file), or `file://`, `s3://bucket/prefix`, `gs://bucket/prefix`,
    /// `az://container/prefix`.
    #[schemars(length(min = 1), example = "./export", example = "s3://acme-lake/gong")]
    pub url: Field<String>,
    /// How much time one file covers. Months make fewer, larger files; good for long backfills.
    #[serde(default)]
    #[schemars(extend("default" = "day"))]
    pub partition_by: Field<PartitionBy>,
    /// `zstd(1)` to `zstd(22)`, `gzip(1)` to `gzip(9)`, `snappy`, `lz4` or `uncompressed`.
    #[serde(default)]
    #[schemars(example = &"snappy", extend("default" = "zstd(3)"))]
    pub compression: Field<String>,
    /// Settings of the object store, such as `region` or `endpoint`. Credentials are better left to
    /// the environment.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "region": "eu-central-1" }]))]
    pub options: Field<BTreeMap<String, Field<OptionValue>>>,
}

/// When a day (or month) is exported again, and when it is final.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    /// Days after the end of a day (or month) during which each run exports it again: calls appear
    /// late, and are edited and deleted.
    #[serde(default)]
    #[schemars(range(max = 366), extend("default" = 7))]
    pub settle_days: Field<u64>,
    /// Days after the end of a day (or month) during which missing transcripts are asked for.
    #[serde(default)]
    #[schemars(range(max = 366), extend("default" = 30))]
    pub transcripts_wait_days: Field<u64>,
}

/// Where [`Privacy`] stands.
pub(super) const PRIVACY_PATH: &str = "privacy";

/// Which calls and users to leave out, and which personal data to replace by pseudonyms.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Privacy {
    /// Calls that somebody marked as private in Gong: leave them out with all that belongs to them,
    /// or export them.
    #[serde(default)]
    #[schemars(extend("default" = "exclude"))]
    pub private_calls: Field<PrivateCalls>,
    /// Kinds of personal data to replace by pseudonyms, wherever they stand: in columns of their own for
    /// certain, in sentences, titles and other text as far as they can be recognised. Equal data gets
    /// equal pseudonyms in all datasets and runs with the same key, so that joins still work.
    #[serde(default)]
    #[schemars(extend("default" = []))]
    pub pseudonymize: Field<Vec<Field<PersonalKind>>>,
    /// The secret that pseudonyms are made with (HMAC-SHA-256), at least 32 characters. Who has it can
    /// tell which pseudonym is whose. Better a variable than the secret itself.
    #[serde(default)]
    #[schemars(example = "${EXPORT_PSEUDONYM_KEY}")]
    pub key: Field<Secret>,
    /// Whether the pseudonym of an e-mail address ends in the address's own domain, which tells the company.
    #[serde(default)]
    #[schemars(extend("default" = true))]
    pub keep_email_domains: Field<bool>,
    /// Calls and users to leave out, with all that belongs to them.
    #[serde(default)]
    pub exclude: Field<Exclude>,
}

/// Calls of which any of this is true are left out as private ones are; the users named are left out of
/// datasets of users, too.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Exclude {
    /// Calls whose title holds one of these, in whatever case. `*` stands for any text, `?` for one
    /// character.
    #[serde(default)]
    #[schemars(example = ["interview", "1?1 with *"])]
    pub titles: Field<Vec<Field<String>>>,
    /// Calls with a participant whose e-mail address is in one of these domains, or below one.
    #[serde(default)]
    #[schemars(example = ["lawyers.example"])]
    pub email_domains: Field<Vec<Field<String>>>,
    /// Calls that one of these users of Gong hosted or took part in: e-mail addresses or user ids.
    #[serde(default)]
    #[schemars(example = ["lee@vendor.example"])]
    pub users: Field<Vec<Field<Id>>>,
}

/// A kind of personal data that can be replaced by pseudonyms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum PersonalKind {
    /// E-mail addresses.
    Email,
    /// Phone numbers.
    Phone,
    /// Names of people.
    Name,
}

impl PersonalKind {
    /// Its word in job specs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Name => "name",
        }
    }
}

/// Where [`Notify`] stands. Like that of [`Auth`], nothing in it is shown.
pub(super) const NOTIFY_PATH: &str = "notify";

/// An address that `gong-export run` tells how a run ended: a POST with a JSON document that holds
/// `text`, one sentence that Slack and its like show as it is, beside job, run id, outcome, exit code,
/// times, counts and failures. A run that is told in vain (three attempts of 10 seconds) says so in its
/// log and ends as it would have. A job file that cannot be read tells nobody.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Notify {
    /// Where to send it: https, or http on this machine. Better a variable than the address itself,
    /// since who knows it can write there.
    #[schemars(example = "${NOTIFY_URL}")]
    pub url: Field<Secret>,
    /// After runs that ended with another exit code than 0, or after every run.
    #[serde(default)]
    #[schemars(extend("default" = "failure"))]
    pub on: Field<NotifyOn>,
    /// Headers to send along, such as one with a token. Better variables than secrets.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "Authorization": "Bearer ${NOTIFY_TOKEN}" }]))]
    pub headers: Field<BTreeMap<String, Field<Secret>>>,
}

/// After which runs somebody is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum NotifyOn {
    /// Runs that ended with another exit code than 0: failed, in part, out of budget, interrupted.
    #[default]
    Failure,
    /// All runs.
    Always,
}

/// How much time one file covers.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum PartitionBy {
    Day,
    Month,
}

impl From<PartitionBy> for calendar::PartitionBy {
    fn from(by: PartitionBy) -> Self {
        match by {
            PartitionBy::Day => Self::Day,
            PartitionBy::Month => Self::Month,
        }
    }
}

/// What to do with private calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum PrivateCalls {
    /// Leave them out, with their parties, transcripts and ids.
    #[default]
    Exclude,
    /// Export them like all others.
    Include,
}

/// An id or an e-mail address. Without quotes an id looks like a number to YAML; it keeps its digits.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline, extend("type" = ["string", "integer"]))]
pub(super) struct Id(pub String);

/// The text of a setting; numbers and truth values are taken as they are written.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline, extend("type" = ["string", "number", "boolean"]))]
pub(super) struct OptionValue(pub String);

/// The switches of the simulator. Here only passed over: `check` decodes them from the tree, key by
/// key, as their type has no [`Field`]s.
pub(super) struct Simulator;

impl<'de> Deserialize<'de> for Simulator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for Simulator {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Simulator".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        sim::config::Config::json_schema(generator)
    }
}
