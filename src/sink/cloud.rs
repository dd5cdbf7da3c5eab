//! From a URL and options to a client of S3, Google Cloud Storage or Azure.
//!
//! Options go to object_store's builders by their names, after what the builders read from the
//! environment: `AWS_*`, `GOOGLE_*`, `AZURE_*`, and the credentials of containers and machines. That
//! happens inside object_store and nowhere else, because only there is known which variables hold
//! credentials and how they are renewed. Profiles in `~/.aws` are not read.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};
use url::{Host, Url};

use super::error::{Cause, Error};
use super::object::Bucket;
use super::store::Patience;

/// How long a request may take as a whole: time for a part of 8 MiB at 30 kB/s. object_store has
/// 30 s, which fails over a slow line and then fails again.
const REQUEST_TIMEOUT: &str = "300s";
const CONNECT_TIMEOUT: &str = "10s";

/// Options that all three understand.
const CLIENT_OPTIONS: &[&str] = &[
    "allow_http",
    "connect_timeout",
    "disable_system_certificates",
    "http1_only",
    "http2_only",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_ca_certificate",
    "proxy_excludes",
    "proxy_url",
    "read_timeout",
    "timeout",
    "user_agent",
];

/// Opens `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
pub(super) fn open(url: &Url, options: &BTreeMap<String, String>, patience: Patience) -> Result<Bucket, Error> {
    let shown = without_secrets(url);
    let refused = |reason| Error::InvalidUrl { url: shown.clone(), reason };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("accounts, keys and parameters belong into the options"));
    }
    let name = url.host_str().filter(|name| !name.is_empty()).ok_or_else(|| refused("it names no bucket"))?;
    let prefix = Path::from_url_path(url.path()).map_err(|_| refused("its path has an empty or a relative part"))?;
    // reqwest is built without a default, and refuses to start without one. An error means that it
    // has been chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (objects, parts) = match url.scheme() {
        "s3" => build::<AmazonS3Builder>(&shown, name, options, patience)?,
        "gs" => build::<GoogleCloudStorageBuilder>(&shown, name, options, patience)?,
        "az" => build::<MicrosoftAzureBuilder>(&shown, name, options, patience)?,
        _ => return Err(refused("known are a path, file://, s3://, gs:// and az://")),
    };
    Ok(Bucket::new(objects, parts, prefix, shown))
}

/// The URL for people: credentials that do not belong into it are not repeated.
pub(super) fn without_secrets(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{}://{host}{}", url.scheme(), url.path())
}

type Client = (Arc<dyn ObjectStore>, Arc<dyn MultipartStore>);

/// What the three builders of object_store have in common.
trait Builder: Default {
    type Key: FromStr + Clone + PartialEq + 'static;
    /// Names to suggest, without the vendor's prefix, beside [`CLIENT_OPTIONS`].
    const OPTIONS: &'static [&'static str];
    /// Where requests go, with the option's name, in the order of precedence.
    const ENDPOINTS: &'static [(&'static str, Self::Key)];
    /// The bucket, which the URL names.
    const BUCKET: Self::Key;

    fn from_environment() -> Self;
    fn client_key(key: ClientConfigKey) -> Self::Key;
    fn set(self, key: Self::Key, value: &str) -> Self;
    fn value(&self, key: &Self::Key) -> Option<String>;
    fn finish(self, retry: RetryConfig) -> object_store::Result<Client>;
}

macro_rules! builder {
    ($builder:ident, $key:ident, $bucket:ident, endpoints: $endpoints:expr, options: $options:expr) => {
        impl Builder for $builder {
            type Key = $key;
            const OPTIONS: &'static [&'static str] = $options;
            const ENDPOINTS: &'static [(&'static str, $key)] = $endpoints;
            const BUCKET: $key = $key::$bucket;

            fn from_environment() -> Self {
                Self::from_env()
            }

            fn client_key(key: ClientConfigKey) -> $key {
                $key::Client(key)
            }

            fn set(self, key: $key, value: &str) -> Self {
                self.with_config(key, value)
            }

            fn value(&self, key: &$key) -> Option<String> {
                self.get_config_value(key)
            }

            fn finish(self, retry: RetryConfig) -> object_store::Result<Client> {
                let client = Arc::new(self.with_retry(retry).build()?);
                Ok((client.clone(), client))
            }
        }
    };
}

builder!(AmazonS3Builder, AmazonS3ConfigKey, Bucket,
endpoints: &[("endpoint_url_s3", AmazonS3ConfigKey::S3Endpoint), ("endpoint", AmazonS3ConfigKey::Endpoint)],
options: &[
    "access_key_id", "checksum_algorithm", "container_authorization_token_file",
    "container_credentials_full_uri", "container_credentials_relative_uri", "default_region",
    "disable_bulk_delete", "disable_tagging", "endpoint", "endpoint_url", "endpoint_url_sts",
    "imdsv1_fallback", "metadata_endpoint", "region", "request_payer", "role_arn", "role_session_name",
    "s3_express", "secret_access_key", "server_side_encryption", "session_token", "skip_signature",
    "sse_bucket_key_enabled", "sse_customer_key_base64", "sse_kms_key_id", "unsigned_payload",
    "virtual_hosted_style_request", "web_identity_token_file",
]);
builder!(GoogleCloudStorageBuilder, GoogleConfigKey, Bucket,
endpoints: &[("base_url", GoogleConfigKey::BaseUrl)],
options: &[
    "application_credentials", "base_url", "bearer_token", "service_account", "service_account_key",
    "skip_signature",
]);
builder!(MicrosoftAzureBuilder, AzureConfigKey, ContainerName,
endpoints: &[("endpoint", AzureConfigKey::Endpoint)],
options: &[
    "access_key", "account_key", "account_name", "authority_host", "bearer_token", "client_id", "client_secret",
    "credential_type", "disable_tagging", "encryption_key", "endpoint", "federated_token_file",
    "msi_endpoint", "msi_resource_id", "object_id", "sas_key", "sas_token", "skip_signature", "tenant_id",
    "token", "use_azure_cli", "use_emulator", "use_fabric_endpoint",
]);

fn build<B: Builder>(
    url: &str,
    bucket: &str,
    options: &BTreeMap<String, String>,
    patience: Patience,
) -> Result<Client, Error> {
    let defaults = B::default();
    let allow_http = B::client_key(ClientConfigKey::AllowHttp);
    let mut builder = B::from_environment();
    // Google's builder allows plain HTTP from the start, for the server of metadata.
    let mut http_allowed = is_true(builder.value(&allow_http)) && !is_true(defaults.value(&allow_http));
    for (key, value) in [
        (ClientConfigKey::Timeout, REQUEST_TIMEOUT),
        (ClientConfigKey::ConnectTimeout, CONNECT_TIMEOUT),
        (ClientConfigKey::UserAgent, concat!("gong-export/", env!("CARGO_PKG_VERSION"))),
    ] {
        let key = B::client_key(key);
        if builder.value(&key) == defaults.value(&key) {
            builder = builder.set(key, value);
        }
    }
    for (option, value) in options {
        let Ok(key) = option.to_ascii_lowercase().parse::<B::Key>() else {
            return Err(Error::UnknownOption { option: option.clone(), similar: similar::<B>(option) });
        };
        if key == B::BUCKET {
            let reason = "the bucket stands in the destination's url";
            return Err(Error::RefusedOption { option: option.clone(), reason });
        }
        if key == allow_http {
            http_allowed = is_true(Some(value.clone()));
        }
        builder = builder.set(key, value);
    }
    if is_true(builder.value(&B::client_key(ClientConfigKey::AllowInvalidCertificates))) {
        let reason = "certificates are always checked; name your own authority by SSL_CERT_FILE";
        return Err(Error::RefusedOption { option: "allow_invalid_certificates".into(), reason });
    }
    for (option, key) in B::ENDPOINTS {
        match builder.value(key).map_or(Security::Encrypted, |endpoint| security(&endpoint)) {
            Security::Encrypted => {}
            Security::Loopback => builder = builder.set(allow_http.clone(), "true"),
            Security::Plain if http_allowed => {}
            Security::Plain => {
                let reason = "it is plain HTTP: use https, or say `allow_http: \"true\"`";
                return Err(Error::RefusedOption { option: (*option).to_owned(), reason });
            }
        }
    }
    builder = builder.set(B::BUCKET, bucket);
    let client = builder.finish(retry(patience));
    client.map_err(|error| Error::Options { url: url.to_owned(), source: Cause::of(&error) })
}

fn is_true(value: Option<String>) -> bool {
    value.is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "on" | "yes" | "y"))
}

/// Who can read what goes to an endpoint.
#[derive(Debug, PartialEq, Eq)]
enum Security {
    Encrypted,
    /// Plain HTTP that does not leave the machine.
    Loopback,
    Plain,
}

fn security(endpoint: &str) -> Security {
    let Ok(url) = Url::parse(endpoint) else { return Security::Encrypted };
    if url.scheme() != "http" {
        return Security::Encrypted;
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if loopback { Security::Loopback } else { Security::Plain }
}

/// object_store counts ten tries, which a server that refuses connections uses up in two seconds.
/// An outage lasts longer: what ends our tries is time. Not more of it than this, since a request is
/// signed once and the signature is good for fifteen minutes.
fn retry(patience: Patience) -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(15), base: 2.0 };
    match patience {
        Patience::Unattended => {
            RetryConfig { backoff, max_retries: 10_000, retry_timeout: Duration::from_secs(12 * 60) }
        }
        Patience::Attended => RetryConfig { backoff, max_retries: 5, retry_timeout: Duration::from_secs(15) },
    }
}

/// Known options that could have been meant: at most a third of the letters differ, or all words of
/// the option are words of the known one. The closest first, three at most.
fn similar<B: Builder>(option: &str) -> Vec<&'static str> {
    let option = option.to_ascii_lowercase();
    let mut close = Vec::new();
    for known in B::OPTIONS.iter().chain(CLIENT_OPTIONS) {
        let distance = distance(option.as_bytes(), known.as_bytes());
        let part = option.split('_').all(|word| known.split('_').any(|known| known == word));
        if part || 3 * distance <= known.len() {
            close.push((distance, *known));
        }
    }
    close.sort_unstable();
    close.into_iter().map(|(_, known)| known).take(3).collect()
}

/// How many bytes have to be inserted, deleted or replaced to make `a` of `b`.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn open_with(url: &str, pairs: &[(&str, &str)]) -> Result<Bucket, Error> {
        open(&Url::parse(url).unwrap(), &options(pairs), Patience::Attended)
    }

    const KEYS: [(&str, &str); 2] = [("access_key_id", "AKIAEXAMPLE"), ("secret_access_key", "sEcReT")];

    #[tokio::test]
    async fn each_cloud_opens_and_shows_no_secret() {
        let s3 = open_with("s3://bucket/some%20where/deep/", &KEYS).unwrap();
        assert_eq!(s3.path("a/b").as_ref(), "some where/deep/a/b");
        assert_eq!(s3.url("a/b"), "s3://bucket/some%20where/deep/a/b");
        assert!(!format!("{s3:?}").contains("sEcReT"));
        assert_eq!(open_with("gs://bucket", &[("skip_signature", "true")]).unwrap().url("a"), "gs://bucket/a");
        open_with("az://container/x", &[("account_name", "a"), ("skip_signature", "true")]).unwrap();
    }

    #[tokio::test]
    async fn urls_that_hold_more_than_a_place_are_refused_without_repeating_it() {
        for url in ["s3://key:sEcReT@bucket/x", "s3://bucket/x?sig=sEcReT", "s3://bucket/x#sEcReT", "ftp://bucket/x"] {
            let error = open_with(url, &[]).unwrap_err();
            assert!(matches!(error, Error::InvalidUrl { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("sEcReT"));
        }
        assert!(matches!(open_with("s3:///x", &[]), Err(Error::InvalidUrl { .. })));
        assert!(matches!(open_with("s3://bucket/a//b", &[]), Err(Error::InvalidUrl { .. })));
    }

    #[tokio::test]
    async fn an_unknown_option_is_named_with_its_likes() {
        let message = |option: &str| open_with("s3://bucket", &[(option, "x")]).unwrap_err().to_string();
        assert_eq!(message("regoin"), "destination option `regoin` is unknown; did you mean `region`?");
        assert_eq!(
            message("secret_key"),
            "destination option `secret_key` is unknown; did you mean `secret_access_key`?"
        );
        assert_eq!(
            message("sse"),
            "destination option `sse` is unknown; did you mean `sse_kms_key_id` or `sse_bucket_key_enabled` or `sse_customer_key_base64`?"
        );
    }

    #[tokio::test]
    async fn the_vendor_s_prefix_and_capitals_are_accepted() {
        open_with("s3://bucket", &[("AWS_REGION", "eu-central-1"), ("aws_endpoint", "https://s3.vendor.example")])
            .unwrap();
    }

    #[tokio::test]
    async fn plain_http_needs_a_word_unless_it_stays_on_the_machine() {
        for endpoint in
            ["http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000", "https://s3.vendor.example"]
        {
            open_with("s3://bucket", &[("endpoint", endpoint)]).unwrap();
        }
        let plain = ("endpoint", "http://s3.vendor.example");
        let error = open_with("s3://bucket", &[plain]).unwrap_err();
        assert!(matches!(&error, Error::RefusedOption { option, .. } if option == "endpoint"), "{error}");
        open_with("s3://bucket", &[plain, ("allow_http", "true")]).unwrap();
        assert!(open_with("gs://bucket", &[("base_url", "http://gcs.vendor.example")]).is_err());
    }

    #[tokio::test]
    async fn checks_are_not_switched_off_and_the_bucket_is_named_once() {
        for option in ["allow_invalid_certificates", "bucket"] {
            let error = open_with("s3://bucket", &[(option, "true")]).unwrap_err();
            assert!(matches!(error, Error::RefusedOption { .. }), "{error}");
        }
        // What the builder itself refuses.
        assert!(matches!(open_with("s3://bucket", &[KEYS[0]]), Err(Error::Options { .. })));
    }

    #[test]
    fn suggested_names_are_known() {
        fn all_known<B: Builder>() {
            for name in B::OPTIONS.iter().chain(CLIENT_OPTIONS) {
                assert!(name.parse::<B::Key>().is_ok(), "{name}");
            }
        }
        all_known::<AmazonS3Builder>();
        all_known::<GoogleCloudStorageBuilder>();
        all_known::<MicrosoftAzureBuilder>();
    }

    #[test]
    fn distances() {
        assert_eq!(distance(b"regoin", b"region"), 2);
        assert_eq!(distance(b"", b"abc"), 3);
        assert_eq!(distance(b"kitten", b"sitting"), 3);
    }
}
