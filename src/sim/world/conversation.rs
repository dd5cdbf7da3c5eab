//! What was said in a call, by whom and when. The only place where text is made; everything that
//! analyses a call (topics, trackers, talk times) reads what is made here.

use std::ops::Range;

use super::World;
use super::call::Call;
use crate::sim::rng::{Rng, Stream};
use crate::sim::script::{Exchange, Role, Section, Slot};

#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    /// Milliseconds from the start of the call.
    pub(crate) start_ms: u32,
    pub(crate) end_ms: u32,
    text: Range<u32>,
}

#[derive(Debug, Clone)]
pub(crate) struct Monologue {
    /// Seat of the speaker; `None` when Gong could not tell.
    pub(crate) seat: Option<usize>,
    pub(crate) topic: &'static str,
    pub(crate) sentences: Range<usize>,
}

impl Monologue {
    /// The topic as Gong tells it: it finds none in goodbyes and messages.
    pub(crate) fn topic_found(&self) -> Option<&'static str> {
        (!matches!(self.topic, "Wrap-up" | "Voicemail")).then_some(self.topic)
    }
}

/// A stretch of talk about one thing, with what a summary says of it.
#[derive(Debug, Clone)]
pub(crate) struct Passage {
    pub(crate) topic: &'static str,
    pub(crate) summary: String,
    pub(crate) outcome: Option<&'static str>,
    pub(crate) monologues: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Conversation {
    text: String,
    pub(crate) sentences: Vec<Sentence>,
    pub(crate) monologues: Vec<Monologue>,
    pub(crate) passages: Vec<Passage>,
    talk_ms: Vec<u64>,
}

impl Conversation {
    pub(crate) fn text_of(&self, sentence: &Sentence) -> &str {
        &self.text[sentence.text.start as usize..sentence.text.end as usize]
    }

    pub(crate) fn sentences_of(&self, monologue: &Monologue) -> &[Sentence] {
        &self.sentences[monologue.sentences.clone()]
    }

    /// From the first word to the last, in milliseconds from the start of the call.
    pub(crate) fn span_ms(&self, monologues: &Range<usize>) -> Range<u32> {
        let sentences =
            match (self.monologues.get(monologues.start), self.monologues.get(monologues.end.wrapping_sub(1))) {
                (Some(first), Some(last)) => &self.sentences[first.sentences.start..last.sentences.end],
                _ => &[],
            };
        match (sentences.first(), sentences.last()) {
            (Some(first), Some(last)) => first.start_ms..last.end_ms,
            _ => 0..0,
        }
    }

    /// How long the person on this seat spoke; 0 for who did not.
    pub(crate) fn talk_ms(&self, seat: usize) -> u64 {
        self.talk_ms.get(seat).copied().unwrap_or(0)
    }
}

impl World {
    pub(crate) fn conversation(&self, call: &Call) -> Conversation {
        let head = &call.head;
        let mut rng = Rng::new(self.config.seed, Stream::Conversation, &[u64::from(head.day), u64::from(head.index)]);
        let sections: Vec<&Section> = self.script(head.language).sections(head.intent).collect();
        let chosen = choose(&sections, head.sentences as usize, &mut rng);
        let mut writer = Writer::new(call, head.sentences as usize);
        for (section, exchange, round) in chosen {
            writer.exchange(section, exchange, round, &mut rng);
        }
        let mut conversation = writer.conversation;
        set_times(&mut conversation, head.duration, &mut rng);
        let mut noise = Rng::new(self.config.seed, Stream::Noise, &[u64::from(head.day), u64::from(head.index)]);
        let place = noise.index(conversation.monologues.len());
        if noise.chance(self.config.null_speakers)
            && let Some(monologue) = conversation.monologues.get_mut(place)
        {
            monologue.seat = None;
        }
        conversation.talk_ms = talk_times(&conversation, call.seats.len());
        conversation
    }
}

/// Which exchanges are held, in order, and whether for the first time or again. Every section gets
/// its share in turn until enough is said.
fn choose<'s>(sections: &[&'s Section], wanted: usize, rng: &mut Rng) -> Vec<(&'s Section, &'s Exchange, usize)> {
    let mut picked: Vec<Vec<&Exchange>> = Vec::with_capacity(sections.len());
    let mut open: Vec<usize> = Vec::new();
    let mut said = 0;
    for (at, section) in sections.iter().enumerate() {
        let mut exchanges: Vec<&Exchange> = section.exchanges.iter().collect();
        rng.shuffle(&mut exchanges);
        if section.once {
            exchanges.truncate(1);
            said += exchanges.iter().map(|e| e.sentences()).sum::<usize>();
        } else if !exchanges.is_empty() {
            open.push(at);
        }
        picked.push(exchanges);
    }
    rng.shuffle(&mut open);
    let mut taken = vec![0; sections.len()];
    // Nothing is said twice before everything was said once.
    let mut round = 1;
    while !open.is_empty() && said < wanted {
        let mut has_more = false;
        for at in &open {
            let exchanges = &picked[*at];
            if said < wanted && taken[*at] < round * exchanges.len() {
                said += exchanges[taken[*at] % exchanges.len()].sentences().max(1);
                taken[*at] += 1;
                has_more = true;
            }
        }
        round += usize::from(!has_more);
    }
    let mut chosen = Vec::new();
    for (at, section) in sections.iter().enumerate() {
        let exchanges = &picked[at];
        let count = if section.once { exchanges.len() } else { taken[at] };
        for turn in 0..count {
            chosen.push((*section, exchanges[turn % exchanges.len()], turn / exchanges.len()));
        }
    }
    chosen
}

/// Turns exchanges into monologues.
struct Writer<'w> {
    call: &'w Call,
    facts: crate::sim::script::Facts,
    round: usize,
    modules: &'static [&'static str],
    seats: [usize; 4],
    conversation: Conversation,
}

impl<'w> Writer<'w> {
    fn new(call: &'w Call, sentences: usize) -> Self {
        let seat = |role| call.seats.iter().position(|seat| seat.role == Some(role));
        let rep = seat(Role::Rep).unwrap_or(0);
        let colleague = seat(Role::Colleague).unwrap_or(rep);
        let buyer = seat(Role::Buyer).unwrap_or(colleague);
        let other = seat(Role::Other).unwrap_or(buyer);
        Self {
            call,
            facts: call.facts.clone(),
            round: 0,
            modules: super::words::modules(call.head.language),
            seats: [rep, colleague, buyer, other],
            conversation: Conversation {
                text: String::with_capacity(sentences * 60),
                sentences: Vec::with_capacity(sentences + 8),
                monologues: Vec::with_capacity(sentences),
                passages: Vec::new(),
                talk_ms: Vec::new(),
            },
        }
    }

    /// When a long call comes back to something, it is about another module.
    fn enter_round(&mut self, round: usize) {
        if round == self.round {
            return;
        }
        self.round = round;
        let at = |slot| self.modules.iter().position(|module| *module == self.call.facts.get(slot)).unwrap_or(0);
        for slot in [Slot::Module, Slot::Module2] {
            let module = self.modules[(at(slot) + 2 * round) % self.modules.len()];
            self.facts.set(slot, module.to_owned());
        }
    }

    fn exchange(&mut self, section: &Section, exchange: &Exchange, round: usize, rng: &mut Rng) {
        self.enter_round(round);
        let first = self.conversation.monologues.len();
        for turn in &exchange.turns {
            let seat = self.seats[match turn.role {
                Role::Rep => 0,
                Role::Colleague => 1,
                Role::Buyer => 2,
                Role::Other => 3,
            }];
            let start = self.conversation.sentences.len();
            for template in &turn.sentences {
                let from = self.conversation.text.len() as u32;
                template.fill(&self.facts, rng, &mut self.conversation.text);
                let text = from..self.conversation.text.len() as u32;
                self.conversation.sentences.push(Sentence { start_ms: 0, end_ms: 0, text });
            }
            let sentences = start..self.conversation.sentences.len();
            match self.conversation.monologues[first..].last_mut() {
                // Somebody who plays two parts goes on speaking.
                Some(last) if last.seat == Some(seat) => last.sentences.end = sentences.end,
                _ => self.conversation.monologues.push(Monologue { seat: Some(seat), topic: section.topic, sentences }),
            }
        }
        let mut summary = String::new();
        exchange.summary.fill(&self.facts, rng, &mut summary);
        let monologues = first..self.conversation.monologues.len();
        let outcome = exchange.outcome;
        self.conversation.passages.push(Passage { topic: section.topic, summary, outcome, monologues });
    }
}

/// Speaks every sentence at a natural pace and fills what is left of the call with pauses, longer
/// ones between speakers. When the call is too short for its words, everybody speaks faster.
fn set_times(conversation: &mut Conversation, duration_s: u32, rng: &mut Rng) {
    let available = u64::from(duration_s) * 1000 - 1200;
    let mut spoken = Vec::with_capacity(conversation.sentences.len());
    let mut pauses = vec![0u64; conversation.sentences.len()];
    for sentence in &conversation.sentences {
        let letters = u64::from(sentence.text.end - sentence.text.start);
        spoken.push(300 + letters * (52 + rng.below(14)));
    }
    for monologue in &conversation.monologues {
        for (at, pause) in pauses[monologue.sentences.clone()].iter_mut().enumerate() {
            *pause = if at == 0 { 300 + rng.below(1100) } else { 60 + rng.below(320) };
        }
    }
    let (speech, silence) = (spoken.iter().sum::<u64>().max(1), pauses.iter().sum::<u64>().max(1));
    // At least a tenth of a call is silence.
    let speech_time = speech.min(available * 9 / 10);
    let silence_time = available - speech_time;
    let mut spoken_before = 0;
    let mut silent_before = 0;
    for (at, sentence) in conversation.sentences.iter_mut().enumerate() {
        silent_before += pauses[at];
        let silent_until = silent_before * silence_time / silence;
        sentence.start_ms = (silent_until + spoken_before * speech_time / speech) as u32;
        spoken_before += spoken[at];
        sentence.end_ms = (silent_until + spoken_before * speech_time / speech) as u32;
    }
}

fn talk_times(conversation: &Conversation, seats: usize) -> Vec<u64> {
    let mut times = vec![0; seats];
    for monologue in &conversation.monologues {
        if let Some(seat) = monologue.seat
            && let Some(time) = times.get_mut(seat)
        {
            for sentence in conversation.sentences_of(monologue) {
                *time += u64::from(sentence.end_ms - sentence.start_ms);
            }
        }
    }
    times
}
