//! What Gong would find in a conversation. Everything here is computed from what was said, so that
//! it agrees with the transcript: trackers are counted in the text, times are summed from sentences.

use std::sync::LazyLock;

use super::call::{Call, Who};
use super::conversation::{Conversation, Passage};
use super::{World, names};
use crate::sim::script::Intent;

/// What a keyword tracker looks for.
#[derive(Debug)]
pub(crate) struct Tracker {
    pub(crate) name: &'static str,
    /// Empty for trackers that are not about words.
    pub(crate) phrases: &'static [&'static str],
    pub(crate) affiliation: &'static str,
}

pub(crate) const TRACKERS: [Tracker; 8] = [
    Tracker { name: "Competitors", phrases: &names::COMPETITORS, affiliation: "Anyone" },
    Tracker {
        name: "Pricing",
        phrases: &["price", "discount", "budget", "per seat", "Rabatt", "remise", "descuento"],
        affiliation: "Anyone",
    },
    Tracker {
        name: "Next steps",
        phrases: &["next step", "follow up", "nächsten Schritt", "prochaine étape", "siguiente paso"],
        affiliation: "Company",
    },
    Tracker {
        name: "Security",
        phrases: &["security review", "SOC 2", "GDPR", "encrypted", "single sign-on"],
        affiliation: "Anyone",
    },
    Tracker {
        name: "Decision makers",
        phrases: &["procurement", "finance", "the board", "sponsor"],
        affiliation: "NonCompany",
    },
    Tracker { name: "Pilot", phrases: &["pilot", "sandbox"], affiliation: "Anyone" },
    Tracker {
        name: "Overtime",
        phrases: &["overtime", "Überstunden", "heures supplémentaires", "horas extra"],
        affiliation: "Anyone",
    },
    Tracker { name: "Objections", phrases: &[], affiliation: "NonCompany" },
];

/// A find: when in the call, in milliseconds, and on which seat somebody said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) at_ms: u32,
    pub(crate) seat: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Tracked {
    /// Index into [`TRACKERS`].
    pub(crate) tracker: usize,
    /// Finds of what is not about words.
    pub(crate) occurrences: Vec<Occurrence>,
    /// Finds of each phrase that was said at all.
    pub(crate) phrases: Vec<(&'static str, Vec<Occurrence>)>,
}

impl Tracked {
    pub(crate) fn count(&self) -> usize {
        self.occurrences.len() + self.phrases.iter().map(|(_, found)| found.len()).sum::<usize>()
    }
}

/// How often each tracker was met.
pub(crate) fn trackers(conversation: &Conversation) -> Vec<Tracked> {
    let mut found = find_phrases(conversation).into_iter();
    let mut tracked = Vec::with_capacity(TRACKERS.len());
    for (tracker, looked_for) in TRACKERS.iter().enumerate() {
        let phrases = looked_for.phrases.iter().copied().zip(found.by_ref().take(looked_for.phrases.len()));
        let phrases = phrases.filter(|(_, found)| !found.is_empty()).collect();
        let occurrences = if looked_for.phrases.is_empty() { objections(conversation) } else { Vec::new() };
        tracked.push(Tracked { tracker, occurrences, phrases });
    }
    tracked
}

/// Where somebody other than the host raised an objection.
fn objections(conversation: &Conversation) -> Vec<Occurrence> {
    let raised =
        conversation.monologues.iter().filter(|m| m.topic == "Objections" && m.seat.is_some_and(|seat| seat != 0));
    raised
        .map(|monologue| Occurrence {
            at_ms: conversation.sentences_of(monologue).first().map_or(0, |sentence| sentence.start_ms),
            seat: monologue.seat,
        })
        .collect()
}

/// All phrases of all trackers in small letters, by their first byte, each with its number.
static PHRASES: LazyLock<Vec<Vec<(usize, String)>>> = LazyLock::new(|| {
    let mut phrases = vec![Vec::new(); 256];
    for (number, phrase) in TRACKERS.iter().flat_map(|tracker| tracker.phrases).enumerate() {
        let phrase = phrase.to_lowercase();
        phrases[usize::from(phrase.as_bytes()[0])].push((number, phrase));
    }
    phrases
});

/// The finds of every phrase, by its number. Goes through the words once and compares each with the
/// few phrases that begin like it.
fn find_phrases(conversation: &Conversation) -> Vec<Vec<Occurrence>> {
    let mut found = vec![Vec::new(); TRACKERS.iter().map(|tracker| tracker.phrases.len()).sum()];
    let mut text = String::new();
    for monologue in &conversation.monologues {
        for sentence in conversation.sentences_of(monologue) {
            text.clear();
            text.extend(conversation.text_of(sentence).chars().flat_map(char::to_lowercase));
            let mut before = ' ';
            for (at, character) in text.char_indices() {
                if !before.is_alphanumeric() {
                    for (number, phrase) in &PHRASES[usize::from(text.as_bytes()[at])] {
                        if text[at..].strip_prefix(phrase.as_str()).is_some_and(ends_word) {
                            // As far into the sentence as the phrase stands in its text.
                            let spoken = u64::from(sentence.end_ms - sentence.start_ms);
                            let at_ms = sentence.start_ms + (spoken * at as u64 / text.len() as u64) as u32;
                            found[*number].push(Occurrence { at_ms, seat: monologue.seat });
                        }
                    }
                }
                before = character;
            }
        }
    }
    found
}

/// Whether a word ends before this text; a plural ends it too.
fn ends_word(rest: &str) -> bool {
    let mut rest = rest.chars();
    let next = match rest.next() {
        Some('s') => rest.next(),
        next => next,
    };
    !next.is_some_and(char::is_alphanumeric)
}

/// Seconds spent on each topic, in the order in which they came up.
pub(crate) fn topics(conversation: &Conversation) -> Vec<(&'static str, u32)> {
    let mut topics: Vec<(&'static str, u32)> = Vec::new();
    for (at, monologue) in conversation.monologues.iter().enumerate() {
        let Some(found) = monologue.topic_found() else { continue };
        let span = conversation.span_ms(&(at..at + 1));
        match topics.iter_mut().find(|(topic, _)| *topic == found) {
            Some((_, spent)) => *spent += span.end - span.start,
            None => topics.push((found, span.end - span.start)),
        }
    }
    for (_, spent) in &mut topics {
        *spent = (*spent + 500) / 1000;
    }
    topics
}

/// Neighbouring passages about the same thing.
pub(crate) fn sections(conversation: &Conversation) -> Vec<&[Passage]> {
    conversation.passages.chunk_by(|a, b| a.topic == b.topic).collect()
}

/// Opening, discussion and closing with their lengths in seconds.
pub(crate) fn structure(conversation: &Conversation) -> Vec<(&'static str, u32)> {
    let part = |passage: &Passage| match passage.topic {
        "Small Talk" | "Call Setup" | "Opening" => "Opening",
        "Next Steps" | "Wrap-up" | "Resolution" => "Closing",
        _ => "Discussion",
    };
    let chunks = conversation.passages.chunk_by(|a, b| part(a) == part(b));
    chunks
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            let span = conversation.span_ms(&(first.monologues.start..last.monologues.end));
            Some((part(first), (span.end - span.start + 500) / 1000))
        })
        .collect()
}

/// What is to happen next, and when it was said, in milliseconds.
pub(crate) fn next_steps(conversation: &Conversation) -> Vec<(&str, u32)> {
    let passages = conversation.passages.iter().filter(|p| p.outcome.is_some());
    passages.map(|p| (p.summary.as_str(), conversation.span_ms(&p.monologues).start)).collect()
}

/// The passages worth remembering.
pub(crate) fn key_points(conversation: &Conversation) -> impl Iterator<Item = &str> {
    let worth =
        |p: &&Passage| p.outcome.is_none() && !["Small Talk", "Call Setup", "Wrap-up", "Opening"].contains(&p.topic);
    conversation.passages.iter().filter(worth).step_by(2).take(5).map(|p| p.summary.as_str())
}

/// The summary in two or three sentences.
pub(crate) fn brief(call: &Call, conversation: &Conversation) -> String {
    let about = match call.head.intent {
        Intent::Standup => "The team went through its work.".to_owned(),
        Intent::Forecast => "The team went through its deals.".to_owned(),
        Intent::Voicemail => format!("A message for {}.", call.company.name),
        Intent::Support => format!("{} asked for help.", call.company.name),
        _ => format!("A conversation with {}.", call.company.name),
    };
    let mut brief = about;
    for point in key_points(conversation).take(2).chain(next_steps(conversation).into_iter().map(|(text, _)| text)) {
        brief.push(' ');
        brief.push_str(point);
        brief.push('.');
    }
    brief
}

/// An outcome as calls carry it; its settings are in the list of outcomes.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) id: &'static str,
    pub(crate) category: &'static str,
    pub(crate) name: &'static str,
    pub(crate) connected: bool,
    pub(crate) sentiment: &'static str,
}

const fn outcome(id: &'static str, connected: bool, name: &'static str, sentiment: &'static str) -> Outcome {
    let category = if connected { "Answered" } else { "Not answered" };
    Outcome { id, category, name, connected, sentiment }
}

pub(crate) const OUTCOMES: [Outcome; 9] = [
    outcome("MEETING_BOOKED", true, "Meeting booked", "POSITIVE"),
    outcome("FOLLOW_UP", true, "Follow-up agreed", "POSITIVE"),
    outcome("VERBAL_AGREEMENT", true, "Verbal agreement", "POSITIVE"),
    outcome("NOT_A_FIT", true, "Not a fit", "NEGATIVE"),
    outcome("NOT_INTERESTED", true, "Not interested", "NEGATIVE"),
    outcome("CALL_BACK", true, "Call back later", "NEUTRAL"),
    outcome("LEFT_VOICEMAIL", false, "Left voicemail", "NEUTRAL"),
    outcome("ISSUE_RESOLVED", true, "Issue resolved", "POSITIVE"),
    outcome("ISSUE_ESCALATED", true, "Issue escalated", "NEUTRAL"),
];

/// What the talk led to, as the script says of its last exchanges.
pub(crate) fn call_outcome(conversation: &Conversation) -> Option<&'static Outcome> {
    let id = conversation.passages.iter().rev().find_map(|passage| passage.outcome)?;
    OUTCOMES.iter().find(|outcome| outcome.id == id)
}

/// The figures of a call that are about how people spoke.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interaction {
    pub(crate) talk_ratio: f64,
    /// Seconds.
    pub(crate) longest_monologue: f64,
    /// Seconds.
    pub(crate) longest_customer_story: f64,
    /// Changes of speaker in five minutes.
    pub(crate) interactivity: f64,
    /// Seconds from the end of the customer's turn to the host's next word.
    pub(crate) patience: f64,
    pub(crate) company_questions: u32,
    pub(crate) other_questions: u32,
}

impl World {
    pub(crate) fn interaction(&self, call: &Call, conversation: &Conversation) -> Interaction {
        let is_ours = |seat: usize| matches!(call.seats.get(seat).map(|s| s.who), Some(Who::User(_)));
        let (mut company_questions, mut other_questions) = (0, 0);
        let (mut longest_monologue, mut longest_customer_story) = (0, 0);
        let (mut changes, mut waits, mut waited_ms) = (0u32, 0u32, 0u32);
        let mut before: Option<(usize, u32)> = None;
        for (at, monologue) in conversation.monologues.iter().enumerate() {
            let span = conversation.span_ms(&(at..at + 1));
            let Some(seat) = monologue.seat else { continue };
            let asked =
                conversation.sentences_of(monologue).iter().filter(|s| conversation.text_of(s).ends_with('?')).count()
                    as u32;
            if is_ours(seat) {
                company_questions += asked;
            } else {
                other_questions += asked;
                longest_customer_story = longest_customer_story.max(span.end - span.start);
            }
            if seat == 0 {
                longest_monologue = longest_monologue.max(span.end - span.start);
            }
            if let Some((previous, ended)) = before.filter(|(previous, _)| *previous != seat) {
                changes += 1;
                if seat == 0 && !is_ours(previous) {
                    waits += 1;
                    waited_ms += span.start.saturating_sub(ended);
                }
            }
            before = Some((seat, span.end));
        }
        let talked: u64 = (0..call.seats.len()).map(|seat| conversation.talk_ms(seat)).sum();
        let round = |value: f64| (value * 100.0).round() / 100.0;
        Interaction {
            talk_ratio: round(conversation.talk_ms(0) as f64 / talked.max(1) as f64),
            longest_monologue: round(f64::from(longest_monologue) / 1000.0),
            longest_customer_story: round(f64::from(longest_customer_story) / 1000.0),
            interactivity: round(f64::from(changes) * 300.0 / f64::from(call.head.duration.max(1))),
            patience: round(f64::from(waited_ms) / 1000.0 / f64::from(waits.max(1))),
            company_questions,
            other_questions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_with_its_plural() {
        assert!(ends_word("") && ends_word(" is") && ends_word("s,") && ends_word("s"));
        assert!(!ends_word("less") && !ends_word("so"));
    }
}
