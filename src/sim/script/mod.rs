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

mod parse;

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
        parse::script(text)
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
}
