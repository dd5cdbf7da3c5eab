//! Scorecards, and the calls that were scored with them.

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use super::head::Head;
use crate::sim::ids::{Id, Kind};
use crate::sim::rng::{Rng, Stream};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuestionKind {
    Range,
    Boolean,
    Open,
}

#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) text: &'static str,
    pub(crate) kind: QuestionKind,
    pub(crate) is_overall: bool,
}

#[derive(Debug)]
pub(crate) struct Scorecard {
    pub(crate) name: &'static str,
    pub(crate) enabled: bool,
    /// Built in, hence updated by nobody.
    pub(crate) is_built_in: bool,
    pub(crate) questions: [Question; 4],
}

const fn question(text: &'static str, kind: QuestionKind) -> Question {
    Question { text, kind, is_overall: false }
}

const OVERALL: Question = Question { text: "Overall, how was the call?", kind: QuestionKind::Range, is_overall: true };

pub(crate) const SCORECARDS: [Scorecard; 3] = [
    Scorecard {
        name: "Discovery quality",
        enabled: true,
        is_built_in: false,
        questions: [
            OVERALL,
            question("Did the rep find out what hurts?", QuestionKind::Range),
            question("Was a next step agreed?", QuestionKind::Boolean),
            question("What should be tried next time?", QuestionKind::Open),
        ],
    },
    Scorecard {
        name: "Service call",
        enabled: true,
        is_built_in: false,
        questions: [
            OVERALL,
            question("Was the problem understood before it was solved?", QuestionKind::Range),
            question("Did the customer confirm the solution?", QuestionKind::Boolean),
            question("Anything for the team to learn?", QuestionKind::Open),
        ],
    },
    Scorecard {
        name: "General feedback",
        enabled: false,
        is_built_in: true,
        questions: [
            OVERALL,
            question("How well was the call prepared?", QuestionKind::Range),
            question("Was the agenda kept?", QuestionKind::Boolean),
            question("Free remarks", QuestionKind::Open),
        ],
    },
];

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Place among the scorecard's questions.
    pub(crate) question: usize,
    pub(crate) score: Option<u32>,
    pub(crate) text: Option<&'static str>,
    pub(crate) not_applicable: bool,
}

/// A call that was scored.
#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub(crate) id: Id,
    pub(crate) head: Head,
    /// Index into [`SCORECARDS`].
    pub(crate) scorecard: usize,
    /// Null when it was done by machine.
    pub(crate) reviewer: Option<u32>,
    pub(crate) edited: bool,
    pub(crate) time: DateTime<Utc>,
    pub(crate) answers: Vec<Answer>,
}

/// No review comes later than this after its call.
pub(crate) const REVIEW_DAYS_MAX: i64 = 6;

const REMARKS: [&str; 3] = ["Wait longer after the price.", "Very good questions.", "Name the next step earlier."];

impl World {
    /// The review of a call, if somebody has made one by `now`.
    pub(crate) fn review(&self, head: &Head, now: DateTime<Utc>) -> Option<Review> {
        let mut rng = Rng::new(self.config.seed, Stream::Scorecard, &[u64::from(head.day), u64::from(head.index)]);
        if !rng.chance(0.1) || head.intent.is_internal() || !head.has_transcript(now) {
            return None;
        }
        let scorecard = usize::from(head.intent == crate::sim::script::Intent::Support);
        let is_automatic = rng.chance(0.4);
        let delay = TimeDelta::milliseconds(rng.between(3_600_000, (REVIEW_DAYS_MAX - 1) * 86_400_000));
        let time = head.started() + TimeDelta::seconds(i64::from(head.visible_after.min(80_000))) + delay;
        let mut answers = Vec::new();
        for (place, question) in SCORECARDS[scorecard].questions.iter().enumerate() {
            let (score, is_void, remark) = (rng.between(1, 5) as u32, rng.chance(0.08), rng.pick(&REMARKS));
            let not_applicable = is_void && !question.is_overall;
            let given = |kind: bool| kind && !not_applicable;
            answers.push(Answer {
                question: place,
                score: given(question.kind != QuestionKind::Open).then_some(match question.kind {
                    QuestionKind::Boolean => score % 2,
                    _ => score,
                }),
                text: given(question.kind == QuestionKind::Open).then_some(remark),
                not_applicable,
            });
        }
        let reviewer = self.staff.user(head.host).manager.unwrap_or(0);
        (time <= now).then(|| Review {
            id: self.ids.of(Kind::AnsweredScorecard, head.day, head.index, 0),
            head: *head,
            scorecard,
            reviewer: (!is_automatic).then_some(reviewer),
            edited: rng.chance(0.1),
            time,
            answers,
        })
    }
}
