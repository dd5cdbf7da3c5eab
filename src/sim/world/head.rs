//! The head of a call: all that listings have to know of it, computed in a fraction of a
//! microsecond and without its conversation.

use chrono::{DateTime, NaiveDate, Utc};

use super::staff::Staff;
use super::{World, company};
use crate::sim::rng::{Rng, Stream};
use crate::sim::script::{Intent, Language};

/// Where a call was held, hence recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Zoom,
    Teams,
    Meet,
    /// A dialler for outbound calls.
    Dialler,
    /// A telephone system.
    Phone,
    /// Imported over the API, without parties.
    Upload,
}

impl Channel {
    pub(crate) fn is_conference(self) -> bool {
        matches!(self, Self::Zoom | Self::Teams | Self::Meet)
    }
}

/// Seconds after the start of a call.
type Seconds = u32;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// Day in the company's zone, counted from 1970-01-01.
    pub(crate) day: u32,
    pub(crate) index: u32,
    /// Microseconds since 1970.
    pub(crate) started_us: i64,
    /// 0, 3 or 6: as precisely as this call's start is told.
    pub(crate) fraction_digits: u8,
    /// Planned start, as seconds before the actual one (negative when it started early).
    pub(crate) scheduled_before: Option<i32>,
    pub(crate) duration: Seconds,
    /// Sentences to be said.
    pub(crate) sentences: u32,
    pub(crate) host: u32,
    pub(crate) company: u32,
    pub(crate) intent: Intent,
    pub(crate) language: Language,
    pub(crate) channel: Channel,
    pub(crate) is_private: bool,
    pub(crate) visible_after: Seconds,
    /// `None`: never.
    pub(crate) transcript_after: Option<Seconds>,
    /// When somebody deletes it; `None`: never.
    pub(crate) gone_after: Option<Seconds>,
}

impl Head {
    pub(crate) fn started(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.started_us).unwrap_or_default()
    }

    pub(crate) fn scheduled_us(&self) -> Option<i64> {
        self.scheduled_before.map(|before| {
            let exact = self.started_us - i64::from(before) * 1_000_000;
            exact - exact.rem_euclid(60_000_000)
        })
    }

    /// Where it stands in every listing of calls.
    pub(crate) fn position(&self) -> (i64, u32) {
        (self.started_us, self.index)
    }

    fn is_past(&self, after: Seconds, now: DateTime<Utc>) -> bool {
        now.timestamp_micros() >= self.started_us + i64::from(after) * 1_000_000
    }

    pub(crate) fn is_visible(&self, now: DateTime<Utc>) -> bool {
        self.is_past(self.visible_after, now) && !self.gone_after.is_some_and(|after| self.is_past(after, now))
    }

    /// Whether transcript and analysis are there.
    pub(crate) fn has_transcript(&self, now: DateTime<Utc>) -> bool {
        self.is_visible(now) && self.transcript_after.is_some_and(|after| self.is_past(after, now))
    }
}

/// How often each kind of call is held, in the order of [`Intent`].
const INTENT_WEIGHTS: [u32; 9] = [20, 15, 9, 9, 14, 10, 8, 9, 6];

/// Length of each kind of call against the average one.
const INTENT_LENGTHS: [f64; 9] = [1.75, 1.7, 1.25, 1.05, 0.6, 0.25, 0.07, 0.5, 0.5];

/// How many calls start in each hour of the day, from 7 to 20 o'clock.
const HOUR_WEIGHTS: [u32; 14] = [1, 5, 11, 14, 13, 6, 9, 13, 12, 10, 5, 2, 1, 1];

/// Calls of that day that Gong knows or will know of.
pub(super) fn count(world: &World, day: u32, weekday_from_monday: u32) -> u32 {
    let mut rng = Rng::new(world.config.seed, Stream::Day, &[u64::from(day)]);
    let share = if weekday_from_monday >= 5 { 1.0 / 12.0 } else { 1.0 };
    let expected = f64::from(world.config.calls_per_day) * share * (0.88 + 0.24 * rng.unit());
    // Rounded by chance, so that weekends of small accounts are not always empty.
    (expected + rng.unit()).floor() as u32
}

/// `day_us` is the span of the day in microseconds since 1970.
pub(super) fn head(world: &World, day: u32, index: u32, day_us: (i64, i64)) -> Head {
    let config = &world.config;
    let mut rng = Rng::new(config.seed, Stream::Call, &[u64::from(day), u64::from(index)]);
    let intent = Intent::ALL[rng.weighted(&INTENT_WEIGHTS)].0;
    let company = rng.below(u64::from(world.companies)) as u32;
    let language = if intent.is_internal() { Language::English } else { company::language(config.seed, company) };

    let conference = [Channel::Zoom, Channel::Teams, Channel::Meet][rng.weighted(&[6, 3, 2])];
    let by_phone = rng.chance(0.4);
    let imported = rng.chance(config.calls_without_parties);
    let channel = match intent {
        _ if imported => Channel::Upload,
        Intent::ColdCall | Intent::Voicemail => Channel::Dialler,
        Intent::Support if by_phone => Channel::Phone,
        _ => conference,
    };

    let hour = 7 + rng.weighted(&HOUR_WEIGHTS) as i64;
    let quarter = rng.below(4) as i64;
    let lateness = rng.between(-30, 240);
    let anywhere = rng.below(3600) as i64;
    let moved = rng.chance(0.005);
    let unplanned = rng.chance(0.1);
    let (seconds, scheduled_before) = if channel.is_conference() {
        // Now and then a meeting is held hours after it was planned.
        let before = lateness + if moved { 3 * 3600 } else { 0 };
        (hour * 3600 + quarter * 900 + lateness, (!unplanned).then_some(before as i32))
    } else {
        (hour * 3600 + anywhere, None)
    };
    let fraction_digits = [3, 0, 6][rng.weighted(&[12, 5, 3])];
    let fraction = rng.below(1_000_000) as i64;
    let fraction = fraction - fraction % [1_000_000, 1000, 1][usize::from(fraction_digits) / 3];
    let started_us = (day_us.0 + seconds * 1_000_000 + fraction).min(day_us.1 - 1_000_000 + fraction);

    let variation = 0.55 + 0.9 * rng.unit();
    let wanted = f64::from(config.sentences_per_call) * INTENT_LENGTHS[intent as usize] * variation;
    let said = match (language, intent) {
        (Language::English, Intent::ColdCall | Intent::Voicemail) => wanted.min(24.0),
        (Language::English, _) => wanted,
        _ => wanted.min(world.capacity(language, intent) as f64),
    };
    let sentences = said.max(3.0) as u32;
    let pace = 4.9 + 1.1 * rng.unit();
    // What is shorter than a minute never becomes a call in Gong.
    let duration = (f64::from(sentences) * pace).max(61.0) as Seconds;

    let started = DateTime::from_timestamp_micros(started_us).unwrap_or_default();
    let host = Staff::host(&world.staff, intent, started, &mut rng);
    let is_private = rng.chance(config.private_calls);
    let ready = duration + rng.between(240, 2400) as Seconds;
    let is_late = rng.chance(config.late_calls);
    let visible_after = if is_late { ready.max(config.late_call_hours * 3600) } else { ready };
    let has_transcript = !rng.chance(config.calls_without_transcript);
    let is_analysed_late = rng.chance(config.late_transcripts);
    let analysed =
        if is_analysed_late { visible_after.max(config.late_transcript_hours * 3600) } else { visible_after };
    let is_deleted = rng.chance(config.deleted_calls);
    Head {
        day,
        index,
        started_us,
        fraction_digits,
        scheduled_before,
        duration,
        sentences,
        host,
        company,
        intent,
        language,
        channel,
        is_private,
        visible_after,
        transcript_after: has_transcript.then_some(analysed),
        gone_after: is_deleted.then_some(config.deleted_after_days * 86_400),
    }
}

/// Days since 1970-01-01; days before count as the first.
pub(crate) fn day_number(day: NaiveDate) -> u32 {
    u32::try_from((day - NaiveDate::default()).num_days()).unwrap_or(0)
}

pub(crate) fn day_of_number(number: u32) -> NaiveDate {
    NaiveDate::default() + chrono::Days::new(u64::from(number))
}
