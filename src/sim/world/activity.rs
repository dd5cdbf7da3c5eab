//! What users did with calls on a day of the company's zone: hosted, attended, listened, shared.
//!
//! Hosting and attending follow from the calls. The other thirteen acts are drawn for every user
//! and day, and refer to calls of the same day.

use chrono::{DateTime, Utc};

use super::World;
use super::call::Who;
use super::head::Head;
use crate::sim::rng::{Rng, Stream};

/// The acts, by the names of the API.
pub(crate) const ACTS: [&str; 15] = [
    "callsAsHost",
    "callsAttended",
    "callsGaveFeedback",
    "callsRequestedFeedback",
    "callsReceivedFeedback",
    "ownCallsListenedTo",
    "othersCallsListenedTo",
    "callsSharedInternally",
    "callsSharedExternally",
    "callsScorecardsFilled",
    "callsScorecardsReceived",
    "callsCommentsGiven",
    "callsCommentsReceived",
    "callsMarkedAsFeedbackGiven",
    "callsMarkedAsFeedbackReceived",
];

/// How likely each of the acts after the first two is on a day on which the user hosted a call.
const LIKELIHOODS: [f64; 13] = [0.06, 0.04, 0.06, 0.35, 0.3, 0.12, 0.05, 0.05, 0.06, 0.12, 0.12, 0.03, 0.03];

/// Which calls a user had to do with on one day: for every act the calls, by number on that day.
pub(crate) type Acts = [Vec<u32>; 15];

impl World {
    /// For every user (by number) what they did on that day; `None` for who did nothing.
    pub(crate) fn acts_of_day(&self, day: u32, now: DateTime<Utc>) -> Vec<Option<Box<Acts>>> {
        let mut acts: Vec<Option<Box<Acts>>> = vec![None; self.staff.users.len()];
        if self.config.blind_key {
            return acts;
        }
        let heads = self.heads(day);
        let visible: Vec<&Head> = heads.iter().filter(|head| head.is_visible(now)).collect();
        for head in &visible {
            for (at, seat) in self.seats(head).iter().enumerate() {
                if let Who::User(number) = seat.who
                    && seat.attended
                    && seat.linked
                {
                    let acts = acts[number as usize].get_or_insert_default();
                    acts[usize::from(at != 0)].push(head.index);
                }
            }
        }
        for (number, acts) in acts.iter_mut().enumerate() {
            let mut rng = Rng::new(self.config.seed, Stream::Activity, &[u64::from(day), number as u64]);
            // Somebody without a call may still listen to one.
            let (is_curious, place) = (rng.chance(0.05), rng.index(visible.len()));
            let listens = is_curious && !visible.is_empty();
            if acts.is_none() && !listens {
                continue;
            }
            let acts = acts.get_or_insert_default();
            if is_curious && let Some(head) = visible.get(place) {
                acts[6].push(head.index);
            }
            for (act, likelihood) in LIKELIHOODS.iter().enumerate() {
                let (happens, place) = (rng.chance(*likelihood), rng.draw());
                let own = !acts[0].is_empty();
                if let Some(pool) = (happens && own).then(|| &acts[0]) {
                    let index = pool[(place % pool.len() as u64) as usize];
                    let list = &mut acts[act + 2];
                    if !list.contains(&index) {
                        list.push(index);
                    }
                }
            }
        }
        acts
    }
}
