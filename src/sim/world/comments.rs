//! What colleagues wrote about a call.

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use super::head::Head;
use crate::sim::ids::{Id, Kind};
use crate::sim::rng::{Rng, Stream};

#[derive(Debug)]
pub(crate) struct Comment {
    pub(crate) id: Id,
    pub(crate) author: u32,
    pub(crate) text: String,
    pub(crate) posted: DateTime<Utc>,
    /// Seconds from the start of the call.
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    pub(crate) in_reply_to: Option<Id>,
    pub(crate) during_call: bool,
}

const REMARKS: [&str; 6] = [
    "Nice way to bring up the price.",
    "Let us use this example in the training.",
    "I would have asked who else decides.",
    "Good question, and a long enough pause after it.",
    "Please add this to the account notes.",
    "We promised something here, who takes it?",
];

impl World {
    /// The comments on a call that were there at `now`, oldest first.
    pub(crate) fn comments(&self, head: &Head, now: DateTime<Utc>) -> Vec<Comment> {
        let mut rng = Rng::new(self.config.seed, Stream::Comments, &[u64::from(head.day), u64::from(head.index)]);
        let count = rng.weighted(&[80, 13, 5, 2]) as u32;
        let mut comments: Vec<Comment> = Vec::new();
        for part in 0..count {
            let manager = self.staff.user(head.host).manager.unwrap_or(0);
            let author = if part % 2 == 0 { manager } else { head.host };
            let during_call = rng.chance(0.05) && part == 0;
            let from = rng.below(u64::from(head.duration.saturating_sub(20)).max(1));
            let delay_s =
                if during_call { from as i64 } else { i64::from(head.visible_after) + 7200 * i64::from(part + 1) };
            let remark = rng.pick(&REMARKS);
            let mentioned = self.staff.user(head.host);
            let text = if rng.chance(0.3) {
                format!("@[{}]({}) {remark}", mentioned.full_name(), self.user_id(head.host))
            } else {
                remark.to_owned()
            };
            let comment = Comment {
                id: self.ids.of(Kind::Comment, head.day, head.index, part),
                author,
                text,
                posted: head.started() + TimeDelta::milliseconds(delay_s * 1000 + rng.between(0, 999)),
                from_s: from as f64 + 0.5,
                to_s: from as f64 + 15.5,
                in_reply_to: comments.last().map(|before| before.id),
                during_call,
            };
            if comment.posted <= now {
                comments.push(comment);
            }
        }
        comments
    }
}
