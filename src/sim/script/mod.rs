//! What people say: dialogues as text files, one for each language, parsed once.
//!
//! A file is a list of sections, in the order in which a conversation goes through them:
//!
//! ```text
//! ## Pricing | many | demo negotiation      topic, how often, in which kinds of call
//! > {company} asks for a discount           an exchange, by its summary ...
//! B: Is there room for a discount?          ... and its turns: R the host, S a colleague,
//! R: There is, [if you sign|on two years].  B the main buyer, C a second one
//! ```
//!
//! `once` sections give one exchange to a call, `many` sections as many as its length asks for.
//! `{name}` is a fact of the call ([`Slot`]), `[a|b]` a choice. A summary may start with the outcome
//! that the exchange leads to, as `[MEETING_BOOKED]`. Lines that start with `# ` are comments.

use super::rng::Rng;

/// The purpose of a call, which decides what is talked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Intent {
    Discovery,
    Demo,
    Negotiation,
    Renewal,
    Support,
    ColdCall,
    Voicemail,
    Standup,
    Forecast,
}

impl Intent {
    pub(crate) const ALL: [(Self, &'static str); 9] = [
        (Self::Discovery, "discovery"),
        (Self::Demo, "demo"),
        (Self::Negotiation, "negotiation"),
        (Self::Renewal, "renewal"),
        (Self::Support, "support"),
        (Self::ColdCall, "coldcall"),
        (Self::Voicemail, "voicemail"),
        (Self::Standup, "standup"),
        (Self::Forecast, "forecast"),
    ];

    pub(crate) fn is_internal(self) -> bool {
        matches!(self, Self::Standup | Self::Forecast)
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Language {
    English,
    German,
    French,
    Spanish,
}

impl Language {
    pub(crate) const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    /// ISO 639-2/B, as calls and trackers name languages.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "eng",
            Self::German => "ger",
            Self::French => "fre",
            Self::Spanish => "spa",
        }
    }
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The host.
    Rep,
    /// A colleague of the host; the host when alone.
    Colleague,
    Buyer,
    /// A second person from the other side; the first when alone.
    Other,
}

/// A fact of the call that sentences mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Slot {
    Vendor,
    Rep,
    Colleague,
    Buyer,
    Other,
    Company,
    Industry,
    City,
    Product,
    Plan,
    Module,
    Module2,
    Competitor,
    Tool,
    Price,
    Discount,
    Seats,
    Weekday,
    Date,
    Month,
    Weeks,
    Hours,
    Minutes,
    Percent,
    Count,
    Pain,
    Issue,
    Version,
    Ticket,
}

impl Slot {
    pub(crate) const ALL: [(Self, &'static str); 29] = [
        (Self::Vendor, "vendor"),
        (Self::Rep, "rep"),
        (Self::Colleague, "colleague"),
        (Self::Buyer, "buyer"),
        (Self::Other, "other"),
        (Self::Company, "company"),
        (Self::Industry, "industry"),
        (Self::City, "city"),
        (Self::Product, "product"),
        (Self::Plan, "plan"),
        (Self::Module, "module"),
        (Self::Module2, "module2"),
        (Self::Competitor, "competitor"),
        (Self::Tool, "tool"),
        (Self::Price, "price"),
        (Self::Discount, "discount"),
        (Self::Seats, "seats"),
        (Self::Weekday, "weekday"),
        (Self::Date, "date"),
        (Self::Month, "month"),
        (Self::Weeks, "weeks"),
        (Self::Hours, "hours"),
        (Self::Minutes, "minutes"),
        (Self::Percent, "percent"),
        (Self::Count, "count"),
        (Self::Pain, "pain"),
        (Self::Issue, "issue"),
        (Self::Version, "version"),
        (Self::Ticket, "ticket"),
    ];
}

/// The facts of one call, one text for each [`Slot`].
#[derive(Debug, Clone)]
pub(crate) struct Facts(Vec<String>);

impl Facts {
    pub(crate) fn new(fact: impl Fn(Slot) -> String) -> Self {
        Self(Slot::ALL.iter().map(|(slot, _)| fact(*slot)).collect())
    }

    pub(crate) fn get(&self, slot: Slot) -> &str {
        &self.0[slot as usize]
    }

    pub(crate) fn set(&mut self, slot: Slot, text: String) {
        self.0[slot as usize] = text;
    }
}

/// Text with places for facts.
#[derive(Debug)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(&'static str),
    Slot(Slot),
    Choice(Vec<&'static str>),
}

impl Template {
    /// Appends the text. A fact at the very beginning gets a capital letter.
    pub(crate) fn fill(&self, facts: &Facts, rng: &mut Rng, text: &mut String) {
        let start = text.len();
        for piece in &self.0 {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Slot(slot) if text.len() == start => {
                    let fact = facts.get(*slot);
                    let mut characters = fact.chars();
                    text.extend(characters.next().into_iter().flat_map(char::to_uppercase));
                    text.push_str(characters.as_str());
                }
                Piece::Slot(slot) => text.push_str(facts.get(*slot)),
                Piece::Choice(choices) => text.push_str(rng.pick(choices)),
            }
        }
    }
}

/// A few turns that belong together.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) summary: Template,
    pub(crate) outcome: Option<&'static str>,
    pub(crate) turns: Vec<Turn>,
}

impl Exchange {
    pub(crate) fn sentences(&self) -> usize {
        self.turns.iter().map(|turn| turn.sentences.len()).sum()
    }
}

#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) role: Role,
    pub(crate) sentences: Vec<Template>,
}

#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) topic: &'static str,
    pub(crate) once: bool,
    pub(crate) exchanges: Vec<Exchange>,
    intents: u16,
}

/// All sections of one language.
#[derive(Debug)]
pub(crate) struct Script {
    sections: Vec<Section>,
}

impl Script {
    pub(crate) fn of(language: Language) -> Self {
        let text = match language {
            Language::English => include_str!("english.txt"),
            Language::German => include_str!("german.txt"),
            Language::French => include_str!("french.txt"),
            Language::Spanish => include_str!("spanish.txt"),
        };
        Self::parse(text)
    }

    /// What a call of this kind goes through, in order.
    pub(crate) fn sections(&self, intent: Intent) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |section| section.intents & intent.bit() != 0)
    }

    /// Sentences that such a call can have before it starts to repeat itself.
    pub(crate) fn capacity(&self, intent: Intent) -> usize {
        let counted = self.sections(intent).map(|section| {
            let sentences = section.exchanges.iter().map(Exchange::sentences);
            if section.once { sentences.max().unwrap_or(0) } else { sentences.sum() }
        });
        counted.sum()
    }

    /// Reads a file. The files are part of the program, so a fault in one is a bug, found by the
    /// tests below; lines that mean nothing are dropped.
    fn parse(text: &'static str) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        for line in text.lines() {
            if let Some(header) = line.strip_prefix("## ") {
                sections.push(parse_header(header));
                continue;
            }
            let Some(section) = sections.last_mut() else { continue };
            if let Some(summary) = line.strip_prefix("> ") {
                let tagged = summary.strip_prefix('[').and_then(|rest| rest.split_once("] "));
                let (outcome, summary) = tagged.map_or((None, summary), |(tag, rest)| (Some(tag), rest));
                section.exchanges.push(Exchange { summary: parse_template(summary), outcome, turns: Vec::new() });
            } else if let (Some((role, said)), Some(exchange)) = (line.split_once(": "), section.exchanges.last_mut())
                && let Some(role) = parse_role(role)
            {
                exchange.turns.push(Turn { role, sentences: split_sentences(said).map(parse_template).collect() });
            }
        }
        Self { sections }
    }
}

fn parse_header(header: &'static str) -> Section {
    let mut parts = header.split(" | ");
    let topic = parts.next().unwrap_or_default();
    let once = parts.next() == Some("once");
    let mut intents = 0;
    for name in parts.next().unwrap_or_default().split(' ') {
        if let Some((intent, _)) = Intent::ALL.iter().find(|(_, known)| *known == name) {
            intents |= intent.bit();
        }
    }
    Section { topic, once, exchanges: Vec::new(), intents }
}

fn parse_role(letter: &str) -> Option<Role> {
    match letter {
        "R" => Some(Role::Rep),
        "S" => Some(Role::Colleague),
        "B" => Some(Role::Buyer),
        "C" => Some(Role::Other),
        _ => None,
    }
}

/// Cuts after `.`, `?` or `!` when a space and something that can start a sentence follow.
fn split_sentences(text: &'static str) -> impl Iterator<Item = &'static str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let end = current.char_indices().find_map(|(at, character)| {
            let next = current[at + character.len_utf8()..].strip_prefix(' ')?.chars().next()?;
            let starts = next.is_uppercase() || next.is_ascii_digit() || "{[¿".contains(next);
            (".?!".contains(character) && starts).then_some(at + character.len_utf8())
        });
        let Some(end) = end else {
            rest = None;
            return Some(current);
        };
        rest = Some(current[end..].trim_start());
        Some(&current[..end])
    })
}

fn parse_template(text: &'static str) -> Template {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '[']) {
        let close = if rest[open..].starts_with('{') { '}' } else { ']' };
        let Some(length) = rest[open..].find(close) else { break };
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        let inside = &rest[open + 1..open + length];
        if close == ']' {
            pieces.push(Piece::Choice(inside.split('|').collect()));
        } else if let Some((slot, _)) = Slot::ALL.iter().find(|(_, name)| *name == inside) {
            pieces.push(Piece::Slot(*slot));
        }
        rest = &rest[open + length + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Template(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 4] = [
        include_str!("english.txt"),
        include_str!("german.txt"),
        include_str!("french.txt"),
        include_str!("spanish.txt"),
    ];

    #[test]
    fn every_line_means_something() {
        for line in FILES.iter().flat_map(|file| file.lines()) {
            let known = line.is_empty()
                || line.starts_with("# ")
                || line.starts_with("> ")
                || line.strip_prefix("## ").is_some_and(header_is_whole)
                || line.split_once(": ").is_some_and(|(role, _)| parse_role(role).is_some());
            assert!(known, "{line}");
            let mut rest = line;
            while let Some((_, after)) = rest.split_once('{') {
                let (name, after) = after.split_once('}').expect(line);
                assert!(Slot::ALL.iter().any(|(_, known)| *known == name), "{line}");
                rest = after;
            }
        }
    }

    fn header_is_whole(header: &str) -> bool {
        let parts: Vec<&str> = header.split(" | ").collect();
        parts.len() == 3
            && ["once", "many"].contains(&parts[1])
            && parts[2].split(' ').all(|name| Intent::ALL.iter().any(|(_, known)| *known == name))
    }

    #[test]
    fn slots_and_intents_stand_at_their_own_place() {
        for (at, (slot, name)) in Slot::ALL.iter().enumerate() {
            assert_eq!(*slot as usize, at, "{name}");
        }
        for (at, (intent, name)) in Intent::ALL.iter().enumerate() {
            assert_eq!(*intent as usize, at, "{name}");
        }
    }

    #[test]
    fn every_call_can_be_held_in_every_language() {
        for language in Language::ALL {
            let script = Script::of(language);
            for (intent, name) in Intent::ALL {
                if intent.is_internal() && language != Language::English {
                    continue;
                }
                assert!(script.capacity(intent) > 2, "{language:?} {name}");
                assert!(script.sections(intent).all(|section| !section.exchanges.is_empty()));
            }
        }
        let english = Script::of(Language::English);
        for intent in [Intent::Discovery, Intent::Demo, Intent::Negotiation] {
            assert!(english.capacity(intent) > 150, "{intent:?}: {}", english.capacity(intent));
        }
    }

    #[test]
    fn sentences_are_cut_at_their_ends_only() {
        let cut = |text| split_sentences(text).collect::<Vec<_>>();
        assert_eq!(cut("Good. And 3.5 percent? Yes!"), ["Good.", "And 3.5 percent?", "Yes!"]);
        assert_eq!(cut("Vous m'entendez bien ? Oui."), ["Vous m'entendez bien ?", "Oui."]);
    }

    #[test]
    fn facts_are_filled_in() {
        let facts = Facts::new(|slot| format!("{slot:?}").to_lowercase());
        let mut text = String::new();
        let mut rng = Rng::new(1, super::super::rng::Stream::Conversation, &[]);
        parse_template("{company} likes {module2}, [a|a].").fill(&facts, &mut rng, &mut text);
        assert_eq!(text, "Company likes module2, a.");
    }
}
