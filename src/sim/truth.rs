//! The ground truth: what an export of the simulated account has to contain, as flat rows.
//!
//! Made from the world directly, never from the answers of the API, so that a fault in an answer
//! shows up as a difference. Windows are half-open and about the start of calls; `now` decides what
//! is visible.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::ids::Kind;
use super::world::activity::ACTS;
use super::world::head::{Head, day_number};
use super::world::library::FOLDERS;
use super::world::{Span, World};

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallRow {
    pub call_id: String,
    pub started: DateTime<Utc>,
    pub scheduled: Option<DateTime<Utc>>,
    pub duration_s: u32,
    pub title: String,
    pub primary_user_id: String,
    pub workspace_id: String,
    pub language: String,
    pub is_private: bool,
    /// `None` when Gong has no list of parties.
    pub party_count: Option<usize>,
    pub has_transcript: bool,
}

/// A person of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartyRow {
    pub call_id: String,
    pub party_index: usize,
    pub party_id: String,
    pub name: Option<String>,
    pub email_address: Option<String>,
    pub affiliation: String,
    pub user_id: Option<String>,
    pub speaker_id: Option<String>,
    /// What this person said, in milliseconds; `None` when unknown.
    pub talk_time_ms: Option<u64>,
}

/// A sentence of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SentenceRow {
    pub call_id: String,
    pub sentence_index: usize,
    pub monologue_index: usize,
    pub start_ms: u32,
    pub end_ms: u32,
    pub speaker_id: Option<String>,
    pub topic: Option<String>,
    pub text: String,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserRow {
    pub user_id: String,
    pub email_address: String,
    pub first_name: String,
    pub last_name: String,
    pub active: bool,
    pub created: DateTime<Utc>,
    pub manager_id: Option<String>,
}

/// What a user did on a day of the company's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityRow {
    pub date: NaiveDate,
    pub user_id: String,
    /// Counters by the names of the API, in its order.
    pub counters: Vec<(&'static str, u64)>,
}

/// A review of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewRow {
    /// Day of the review in the company's zone.
    pub date: NaiveDate,
    pub answered_scorecard_id: String,
    pub call_id: String,
    pub answers: usize,
}

/// A call in a folder of the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShelvedRow {
    pub folder_id: String,
    pub call_id: String,
    pub note: Option<&'static str>,
}

fn span(from: DateTime<Utc>, to: DateTime<Utc>) -> Span {
    Span { from_us: from.timestamp_micros(), to_us: to.timestamp_micros() }
}

impl World {
    fn each_call(&self, from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>, mut visit: impl FnMut(&Head)) {
        self.scan(span(from, to), now, |head| {
            visit(head);
            true
        });
    }

    /// Calls visible at `now`, private ones included, by start and number.
    pub fn truth_calls(&self, from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>) -> Vec<CallRow> {
        let mut rows = Vec::new();
        self.each_call(from, to, now, |head| {
            let call = self.call(head);
            rows.push(CallRow {
                call_id: self.call_id(head).to_string(),
                started: head.started(),
                scheduled: head.scheduled_us().and_then(DateTime::from_timestamp_micros),
                duration_s: head.duration,
                title: call.title.clone(),
                primary_user_id: self.user_id(head.host).to_string(),
                workspace_id: self.workspace_id(self.staff.user(head.host).workspace).to_string(),
                language: if head.transcript_after.is_some() { head.language.code() } else { "zxx" }.to_owned(),
                is_private: head.is_private,
                party_count: self.parties(&call, None).map(|parties| parties.len()),
                has_transcript: head.has_transcript(now),
            });
        });
        rows
    }

    /// Their people.
    pub fn truth_parties(&self, from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>) -> Vec<PartyRow> {
        let mut rows = Vec::new();
        self.each_call(from, to, now, |head| {
            let call = self.call(head);
            let conversation = head.transcript_after.is_some().then(|| self.conversation(&call));
            let parties = self.parties(&call, conversation.as_ref()).unwrap_or_default();
            for (party_index, party) in parties.into_iter().enumerate() {
                let talk_time = conversation.as_ref().map(|c| c.talk_ms(party_index));
                rows.push(PartyRow {
                    call_id: self.call_id(head).to_string(),
                    party_index,
                    party_id: party.id.to_string(),
                    name: party.name,
                    email_address: party.email,
                    affiliation: party.affiliation.to_owned(),
                    user_id: party.user.map(|number| self.user_id(number).to_string()),
                    speaker_id: party.speaker_id.map(|id| id.to_string()),
                    talk_time_ms: talk_time.filter(|ms| *ms > 0 && head.has_transcript(now)),
                });
            }
        });
        rows
    }

    /// The sentences of all transcripts that are there at `now`.
    pub fn truth_sentences(&self, from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>) -> Vec<SentenceRow> {
        let mut rows = Vec::new();
        self.each_call(from, to, now, |head| {
            if !head.has_transcript(now) {
                return;
            }
            let conversation = self.conversation(&self.call(head));
            let mut sentence_index = 0;
            for (monologue_index, monologue) in conversation.monologues.iter().enumerate() {
                for sentence in conversation.sentences_of(monologue) {
                    rows.push(SentenceRow {
                        call_id: self.call_id(head).to_string(),
                        sentence_index,
                        monologue_index,
                        start_ms: sentence.start_ms,
                        end_ms: sentence.end_ms,
                        speaker_id: monologue.seat.map(|seat| self.speaker_id(head, seat).to_string()),
                        topic: monologue.topic_found().map(str::to_owned),
                        text: conversation.text_of(sentence).to_owned(),
                    });
                    sentence_index += 1;
                }
            }
        });
        rows
    }

    /// All users that exist at `now`.
    pub fn truth_users(&self, now: DateTime<Utc>) -> Vec<UserRow> {
        let users = self.staff.users.iter().filter(|user| user.created <= now);
        users
            .map(|user| UserRow {
                user_id: self.user_id(user.number).to_string(),
                email_address: user.email.clone(),
                first_name: user.first_name.clone(),
                last_name: user.last_name.clone(),
                active: user.works_at(now),
                created: user.created,
                manager_id: user.manager.map(|number| self.user_id(number).to_string()),
            })
            .collect()
    }

    /// What users did on the days from `from` to before `to`, in the company's zone; only those who
    /// did something, by day and number.
    pub fn truth_activity(&self, from: NaiveDate, to: NaiveDate, now: DateTime<Utc>) -> Vec<ActivityRow> {
        let mut rows = Vec::new();
        for date in from.iter_days().take_while(|day| *day < to) {
            for (number, acts) in self.acts_of_day(day_number(date), now).into_iter().enumerate() {
                if let Some(acts) = acts {
                    let counters = ACTS.iter().zip(acts.iter()).map(|(name, calls)| (*name, calls.len() as u64));
                    let user_id = self.user_id(number as u32).to_string();
                    rows.push(ActivityRow { date, user_id, counters: counters.collect() });
                }
            }
        }
        rows
    }

    /// The reviews made by `now` on the days from `from` to before `to`, of private calls too, in the
    /// order of the calls.
    pub fn truth_reviews(&self, from: NaiveDate, to: NaiveDate, now: DateTime<Utc>) -> Vec<ReviewRow> {
        let mut rows = Vec::new();
        self.scan(Span::ALWAYS, now, |head| {
            if let Some(review) = self.review(head, now) {
                let date = self.day_of(review.time);
                if from <= date && date < to {
                    rows.push(ReviewRow {
                        date,
                        answered_scorecard_id: review.id.to_string(),
                        call_id: self.call_id(head).to_string(),
                        answers: review.answers.len(),
                    });
                }
            }
            true
        });
        rows
    }

    /// The calls in the folders of all workspaces, private ones too.
    pub fn truth_library(&self, now: DateTime<Utc>) -> Vec<ShelvedRow> {
        let mut rows = Vec::new();
        for number in 0..FOLDERS.len() as u32 {
            for shelved in self.shelf(number, now) {
                rows.push(ShelvedRow {
                    folder_id: self.ids.of(Kind::Folder, 0, number, 0).to_string(),
                    call_id: self.call_id(&shelved.head).to_string(),
                    note: shelved.note,
                });
            }
        }
        rows
    }
}
