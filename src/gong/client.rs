//! The loop that joins pacing, sending, judging and trying again.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::answer::{self, Failure, Problem};
use super::auth::Auth;
use super::connecting;
use super::endpoint::Request;
use super::error::Error;
use super::listing::Listing;
use super::oauth::OAuth;
use super::pacer::{Closed, Pacer, Queue};
use super::page::Page;
use super::rate_limit::RateLimit;
use super::retry::{Decision, Outcome, Policy};
use super::settings::Settings;
use super::transport::Transport;
use super::usage::{Counters, Usage};

/// Asks the API. Clones share one pace, one budget and one set of connections; a process makes one.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    transport: Transport,
    auth: Auth,
    /// What `auth` gave at the start; of OAuth, the first token.
    authorization: HeaderValue,
    driver: Driver,
}

impl Client {
    /// Sends nothing yet.
    ///
    /// # Errors
    ///
    /// When a setting cannot work: see [`Error::BaseUrl`], [`Error::UnusableCredential`],
    /// [`Error::Rate`] and [`Error::Setup`].
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let transport = Transport::new(&settings)?;
        let authorization = settings.auth.header()?;
        let Settings { requests_per_second, requests_max, limits, auth, .. } = settings;
        let limit = RateLimit::per_second(requests_per_second).ok_or(Error::Rate { requests_per_second })?;
        let driver = Driver::new(limit, limits.retry, requests_max);
        Ok(Self { shared: Arc::new(Shared { transport, auth, authorization, driver }) })
    }

    /// One answer, after as many attempts as it takes. `None` when the API says, by a 404 of a
    /// certain wording, that nothing matches; a key that may not see the calls is told the same.
    ///
    /// Dropping the future is safe at any time.
    pub async fn fetch(&self, request: &Request) -> Result<Option<Page>, Error> {
        let Shared { transport, auth, authorization, driver } = &*self.shared;
        let queue = if request.is_batch() { Queue::Batches } else { Queue::Listings };
        // A new token that is refused as well does not help, nor would a third.
        let mut may_renew = true;
        loop {
            let attempt = |turn| async move {
                let (header, renewable) = match auth {
                    Auth::OAuth(oauth) => (oauth.header(), may_renew.then_some(oauth)),
                    Auth::Key { .. } | Auth::Token { .. } => (authorization.clone(), None),
                };
                let watch = Arc::new(Attempt { client: self.clone(), turn });
                let sending = transport.send(request, header.clone(), &driver.counters);
                let answer = connecting::watched(watch, sending).await?;
                // Before it is decoded: how busy this machine is asks for no more requests side by side.
                let took = turn.elapsed();
                match (answer::judge(request, auth, answer), renewable) {
                    (Err(Failure { problem: Problem::Unauthorized, .. }), Some(oauth)) => {
                        Ok(Answered::TokenRefused(oauth, header))
                    }
                    (judged, _) => {
                        let page = judged?;
                        driver.counters.add_latency(took);
                        Ok(Answered::Page(page))
                    }
                }
            };
            match driver.drive(request.label(), queue, attempt).await? {
                Answered::Page(page) => return Ok(page),
                Answered::TokenRefused(oauth, header) => oauth.renew(&header).await?,
            }
            may_renew = false;
            driver.counters.add_retry();
        }
    }

    /// All pages of a listing. Nothing is sent before the first [`Listing::next`].
    pub fn listing(&self, request: Request) -> Listing {
        Listing::new(self.clone(), request)
    }

    /// Waits for a moment in which a request could be sent and none is to be: latency, not the limit, is what
    /// is waited for.
    pub async fn unclaimed_turn(&self) {
        self.shared.driver.pacer.unclaimed().await;
    }

    /// How many more requests may be sent by all clones together; `u64::MAX` without a bound.
    pub fn requests_left(&self) -> u64 {
        let counters = &self.shared.driver.counters;
        counters.requests_max().saturating_sub(counters.snapshot().requests)
    }

    /// What has been used so far, by all clones.
    pub fn usage(&self) -> Usage {
        self.shared.driver.counters.snapshot()
    }
}

/// What a request was answered.
enum Answered<'a> {
    /// `None` when nothing matches.
    Page(Option<Page>),
    /// A token is over that can be renewed.
    TokenRefused(&'a OAuth, HeaderValue),
}

/// A request that has had its turn.
struct Attempt {
    client: Client,
    turn: Instant,
}

impl connecting::Watch for Attempt {
    fn connecting(&self) {
        self.client.shared.driver.pacer.connecting(self.turn);
    }

    fn connected(&self) {
        self.client.shared.driver.pacer.connected(self.turn);
    }
}

/// Everything about a request but the network.
#[derive(Debug)]
struct Driver {
    pacer: Pacer,
    counters: Counters,
    policy: Policy,
}

impl Driver {
    fn new(limit: RateLimit, policy: Policy, requests_max: Option<u64>) -> Self {
        let pacer = Pacer::new(limit, policy.retry_after_max);
        Self { pacer, counters: Counters::new(requests_max), policy }
    }

    /// Attempts until one succeeds, or is final, or the policy gives up.
    async fn drive<T, F, A>(&self, label: &'static str, queue: Queue, mut attempt: F) -> Result<T, Error>
    where
        F: FnMut(Instant) -> A,
        A: Future<Output = Result<T, Failure>>,
    {
        let mut attempts = 0;
        let began = Instant::now();
        let mut in_trouble_since = None;
        loop {
            let turn = self.turn(label, queue, attempts, began).await?;
            attempts += 1;
            if attempts > 1 {
                self.counters.add_retry();
            }
            let failure = match attempt(turn).await {
                Ok(answer) => {
                    let took = turn.elapsed();
                    debug!(request = label, attempt = attempts, took_ms = milliseconds(took), "request answered");
                    return Ok(answer);
                }
                Err(failure) => failure,
            };

            let outcome = failure.outcome();
            if matches!(outcome, Outcome::Throttled { .. }) {
                self.counters.add_throttled();
            }
            let in_trouble = in_trouble_since.get_or_insert_with(Instant::now).elapsed();
            let decision = self.policy.decide(attempts, in_trouble, outcome, rand::random_range(0.0..=1.0));
            match decision {
                Decision::RetryIn(wait) => {
                    warn_of_retry(label, attempts, &failure, wait);
                    sleep(wait).await;
                }
                Decision::PauseAllFor(wait) => {
                    warn_of_retry(label, attempts, &failure, wait);
                    self.pacer.pause(turn, wait);
                }
                Decision::GiveUp | Decision::Done => {
                    if let Outcome::Throttled { retry_after: Some(wait) } = outcome {
                        // The others do not wait that long either, but they must not send meanwhile.
                        self.pacer.pause(turn, wait);
                    }
                    return Err(failure.into_error(label, attempts, began.elapsed()));
                }
            }
        }
    }

    /// Waits until a request may be sent, and counts it.
    async fn turn(&self, label: &'static str, queue: Queue, attempts: u32, began: Instant) -> Result<Instant, Error> {
        let spent = || Error::RequestsSpent { label, requests_max: self.counters.requests_max() };
        if self.counters.is_spent() {
            return Err(spent());
        }
        let asked = Instant::now();
        let turn = self.pacer.turn(queue).await.map_err(|Closed(left)| {
            let problem = Problem::Throttled { retry_after: Some(left) };
            Failure::unanswered(problem).into_error(label, attempts, began.elapsed())
        })?;
        self.counters.add_waited(turn.saturating_duration_since(asked));
        // Others may have taken the last one meanwhile.
        if self.counters.take_request() { Ok(turn) } else { Err(spent()) }
    }
}

fn warn_of_retry(label: &'static str, attempt: u32, failure: &Failure, wait: Duration) {
    warn!(
        event = "request_retried",
        request = label,
        attempt,
        status = failure.status,
        request_id = failure.request_id.as_deref(),
        wait_ms = milliseconds(wait),
        cause = %failure.problem,
        "request failed, will be sent again"
    );
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
