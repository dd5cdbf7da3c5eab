//! What a client is told when it is made.

use std::time::Duration;

use url::Url;

use super::auth::Auth;
use super::retry::Policy;

/// Everything a [`Client`](super::Client) needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The account's own host, as in `https://us-12345.api.gong.io`. Plain HTTP is accepted for
    /// this machine itself only.
    pub base_url: Url,
    pub auth: Auth,
    /// Starts of requests per second over the whole process; infinity for no limit at all.
    pub requests_per_second: f64,
    /// Requests that this process may send, retries and refused ones included.
    pub requests_max: Option<u64>,
    pub limits: Limits,
}

/// Bounds on one request.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// Between two reads, and until the first.
    pub idle_read: Duration,
    /// From sending to the last byte of the answer.
    pub whole_request: Duration,
    /// Of an answer, after decompression. A page of 100 calls with everything weighs under a
    /// megabyte, one of long transcripts some tens.
    pub body_bytes_max: usize,
    pub retry: Policy,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle_read: Duration::from_secs(60),
            whole_request: Duration::from_secs(5 * 60),
            body_bytes_max: 64 << 20,
            retry: Policy::default(),
        }
    }
}
