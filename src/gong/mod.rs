//! The Gong API in the vendor's words: requests, pacing, retries, pages and records.
//!
//! A [`Request`] says what to ask, a [`Client`] asks it, at the pace the account allows and again
//! where that helps, and a [`Page`] is the answer, with its records still as text for [`model`] to
//! decode. Deciding is kept apart from doing: [`endpoint`], [`page`], `answer`, [`retry`] and
//! [`rate_limit`] are pure, `transport` sends, `connecting` tells who waits for a connection,
//! `pacer` sleeps, [`oauth`] renews tokens, and [`client`] joins them.
//!
//! Called by the engine and by `check`. Knows no columns, files or job specs. Reads no clock on the
//! wall and no environment.

mod answer;
pub mod auth;
pub mod client;
mod connecting;
pub mod endpoint;
pub mod error;
pub mod list;
pub mod listing;
pub mod model;
pub mod oauth;
mod pacer;
pub mod page;
pub mod rate_limit;
pub mod retry;
pub mod settings;
mod transport;
pub mod usage;

pub use auth::Auth;
pub use client::Client;
pub use endpoint::{Block, CallFilter, Request};
pub use error::{Error, ErrorKind};
pub use list::List;
pub use listing::Listing;
pub use oauth::OAuth;
pub use page::Page;
pub use settings::{Limits, Settings};
pub use usage::Usage;

#[cfg(test)]
mod scripted;
