//! A simulated Gong account over real HTTP on loopback, so that anyone can try the exporter, and
//! tests can hurt it, without an account.
//!
//! It is part of the product: a job with a `simulator:` block runs against it, through the real
//! client. It knows the API only from the vendor's documentation and from recorded answers, and
//! never through [`crate::gong`], so that a misspelt field cannot agree with itself.
//!
//! # What is simulated
//!
//! * The operations in `handler`, with their validation (400) before their lookup (404), the 401 of
//!   a missing scope, the 405 of a wrong verb, and the empty list that is a 404 with the vendor's
//!   own texts.
//! * Pages of 100 with signed cursors that die an hour after the first page; a cursor in the wrong
//!   place is ignored, a foreign one refused. Calls come oldest first, windows are half-open.
//! * Three requests in a second, 10,000 in a day; 429 with `Retry-After`.
//! * A company with users, customers, deals and conversations that make sense over several turns,
//!   made from a seed. Calls appear some minutes after they ended; they can be late, private,
//!   deleted, without parties or without transcript.
//! * Faults, scripted or by chance: see [`Fault`].
//!
//! # What is not
//!
//! Avatars, the settings history of users, coaching, briefs, permission profiles, CRM endpoints,
//! flows, tasks, data privacy, and everything that writes. They answer 404 like any unknown path.
//!
//! # What is guessed
//!
//! The vendor does not say, and no recording shows: the texts of most 400s, of bad credentials, of
//! 429s and of refused cursors; the status of an expired cursor (400 here); whether the limit of a
//! second is a sliding window; when the day of the daily limit begins (midnight UTC here); the text
//! of empty statistics; the units of interaction statistics; what a call without transcript or a
//! deleted call looks like in detail; how CRM objects look with context `Basic`.
//!
//! Time comes from the caller ([`Clock`]), chance from the seed, so the same seed and time give the
//! same bytes. The one exception is by design: request ids and signed media URLs differ with every
//! request, as the original's do.
//!
//! Called by `cli` and by tests; nothing else in the crate knows it.

mod clock;
mod control;
mod credential;
mod damage;
mod fault;
mod handler;
mod ids;
mod json;
mod limit;
mod rng;
mod script;
mod server;
#[cfg(test)]
mod server_tests;
mod simulator;
mod socket;
mod truth;
mod world;

pub mod config;

pub use clock::Clock;
pub use config::{Config, Invalid};
pub use fault::{Damage, Effect, Fault};
pub use server::{Error, Running, start};
pub use simulator::{LoggedRequest, Stats};
pub use truth::{ActivityRow, CallRow, PartyRow, SentenceRow, UserRow};
pub use world::World;
