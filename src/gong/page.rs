//! One answer: its text, and where in it the records are.
//!
//! The envelope is decoded once, leniently: absent and null mean the same, unknown members are
//! passed over. The records stay where they are, as text: nothing is copied, and a record that
//! cannot be decoded does not take its page along. What the records mean is for
//! [`model`](super::model) to know.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Of one page. The API sends 100; the bound is there so that a body of `0,0,0,…` cannot take many
/// times its own size.
const RECORDS_MAX: usize = 100_000;

/// Other members of the envelope whose texts are remembered.
const TEXTS_MAX: usize = 16;

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Where a listing goes on: a signed text that lives about an hour. Opaque, and never printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor(..)")
    }
}

/// Why a body is not an answer. Tells where, not what, since the body may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPage {
    #[error("the body is empty")]
    Empty,
    #[error("the body is an HTML page, as a gateway or a proxy sends")]
    Html,
    #[error("the JSON ends too early, after {bytes} bytes")]
    Cut { bytes: usize },
    #[error("the body is not JSON from line {line}, column {column} on")]
    NotJson { line: usize, column: usize },
    #[error("line {line}, column {column} of the JSON is not what belongs there")]
    Shape { line: usize, column: usize },
    #[error("an error was sent with status 200: \"{message}\"")]
    ErrorInstead {
        /// As it was sent; whoever passes the problem on makes it safe to print first.
        message: String,
    },
    #[error("there is no `{array}` in it")]
    NoRecords { array: &'static str },
    #[error("its cursor is not a text")]
    Cursor,
}

/// One answer with its records. Cheap to send to another thread; holds one text and nothing else of
/// size.
pub struct Page {
    text: String,
    records: Vec<Range<usize>>,
    announced: Option<u64>,
    number: Option<u64>,
    cursor: Option<Cursor>,
    texts: Vec<(String, String)>,
    replaced_characters: u64,
}

impl Page {
    /// Finds the records in `body`, which are the elements of its member `array`. Only a paged
    /// answer may do without the array: its `records` say that there are none.
    pub fn parse(body: Vec<u8>, array: &'static str) -> Result<Self, BadPage> {
        let (text, replaced_characters) = into_text(body);
        let envelope = Envelope::decode(&text, array)?;
        let counts = envelope.records.map(Counts::decode).transpose()?;
        let Some(elements) = envelope.elements else {
            if let Some(message) = envelope.error_text() {
                return Err(BadPage::ErrorInstead { message });
            }
            return match counts {
                Some(counts) if counts.size.unwrap_or(0) == 0 => {
                    Ok(Self::assemble(text, Vec::new(), Vec::new(), counts, replaced_characters))
                }
                _ => Err(BadPage::NoRecords { array }),
            };
        };
        let records = elements.iter().map(|raw| range_within(&text, raw.get())).collect();
        let texts = envelope.texts;
        Ok(Self::assemble(text, records, texts, counts.unwrap_or_default(), replaced_characters))
    }

    fn assemble(
        text: String,
        records: Vec<Range<usize>>,
        texts: Vec<(String, String)>,
        counts: Counts,
        replaced_characters: u64,
    ) -> Self {
        let Counts { total, size: _, number, cursor } = counts;
        Self { text, records, announced: total, number, cursor, texts, replaced_characters }
    }

    /// The JSON text of each record.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &str> {
        self.records.iter().map(|range| &self.text[range.clone()])
    }

    /// The JSON text of one record.
    ///
    /// # Panics
    ///
    /// When `index` is not below [`len`](Self::len).
    pub fn record(&self, index: usize) -> &str {
        &self.text[self.records[index].clone()]
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// `totalRecords`: how many records the filter matches on all pages together. May be more than
    /// are ever delivered, while calls are still being analysed.
    pub fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// `currentPageNumber`, counted from 0.
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Opaque; what Gong's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.member("requestId")
    }

    /// A text at the top level of the answer, such as `timeZone`.
    pub fn text(&self, field: &str) -> Option<String> {
        self.member(field).map(str::to_owned)
    }

    fn member(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str())
    }

    /// Of the whole answer.
    pub fn size_bytes(&self) -> usize {
        self.text.len()
    }

    /// How many stretches of bytes that are not UTF-8 became U+FFFD.
    pub fn replaced_characters(&self) -> u64 {
        self.replaced_characters
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("number", &self.number)
            .field("len", &self.records.len())
            .field("announced", &self.announced)
            .field("size_bytes", &self.text.len())
            .field("request_id", &self.request_id())
            .finish_non_exhaustive()
    }
}

/// `bytes` as text; copies only when some of them are not UTF-8.
fn into_text(bytes: Vec<u8>) -> (String, u64) {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, 0),
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    let mut replaced = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(REPLACEMENT);
            replaced += 1;
        }
    }
    (text, replaced)
}

/// Where `part`, which is borrowed from `whole`, lies in it.
fn range_within(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
}

/// The top level of an answer, borrowed from its text.
struct Envelope<'a> {
    elements: Option<Vec<&'a RawValue>>,
    records: Option<&'a RawValue>,
    errors: Option<&'a RawValue>,
    /// The other members that are texts, decoded.
    texts: Vec<(String, String)>,
}

impl<'a> Envelope<'a> {
    fn decode(text: &'a str, array: &'static str) -> Result<Self, BadPage> {
        // Allowed in front of JSON by nobody, and sent all the same.
        let json = text.strip_prefix('\u{feff}').unwrap_or(text);
        if json.trim_ascii().is_empty() {
            return Err(BadPage::Empty);
        }
        if json.trim_ascii_start().starts_with('<') {
            return Err(BadPage::Html);
        }
        let mut decoder = serde_json::Deserializer::from_str(json);
        let seed = EnvelopeSeed { array };
        seed.deserialize(&mut decoder).and_then(|envelope| decoder.end().map(|()| envelope)).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            match error.classify() {
                serde_json::error::Category::Eof => BadPage::Cut { bytes: text.len() },
                serde_json::error::Category::Data => BadPage::Shape { line, column },
                serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                    BadPage::NotJson { line, column }
                }
            }
        })
    }

    /// The first of the `errors`, if there is one.
    fn error_text(&self) -> Option<String> {
        let errors: Vec<String> = serde_json::from_str(self.errors?.get()).ok()?;
        errors.into_iter().next()
    }
}

/// Decodes the top level, knowing which member is the array.
struct EnvelopeSeed {
    array: &'static str,
}

impl<'a> DeserializeSeed<'a> for EnvelopeSeed {
    type Value = Envelope<'a>;

    fn deserialize<D: Deserializer<'a>>(self, decoder: D) -> Result<Self::Value, D::Error> {
        decoder.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for EnvelopeSeed {
    type Value = Envelope<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the object around the records")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut envelope = Envelope { elements: None, records: None, errors: None, texts: Vec::new() };
        while let Some(key) = members.next_key::<String>()? {
            match key.as_str() {
                key if key == self.array => {
                    let Elements(elements) = members.next_value()?;
                    // With two of them nobody knows which one is meant.
                    if envelope.elements.is_some() && elements.is_some() {
                        return Err(M::Error::custom("the array is there twice"));
                    }
                    envelope.elements = envelope.elements.or(elements);
                }
                "records" => envelope.records = Some(members.next_value()?),
                "errors" => envelope.errors = Some(members.next_value()?),
                _ => {
                    let raw: &RawValue = members.next_value()?;
                    if envelope.texts.len() < TEXTS_MAX
                        && let Ok(text) = serde_json::from_str(raw.get())
                    {
                        envelope.texts.push((key, text));
                    }
                }
            }
        }
        Ok(envelope)
    }
}

/// The elements of the array, each as its text; `None` for null.
struct Elements<'a>(Option<Vec<&'a RawValue>>);

impl<'a> Deserialize<'a> for Elements<'a> {
    fn deserialize<D: Deserializer<'a>>(decoder: D) -> Result<Self, D::Error> {
        decoder.deserialize_any(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'a> Visitor<'a> for ElementsVisitor {
    type Value = Elements<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of at most {RECORDS_MAX} records")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(Elements(None))
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut sequence: S) -> Result<Self::Value, S::Error> {
        let mut elements = Vec::new();
        while elements.len() < RECORDS_MAX {
            let Some(raw) = sequence.next_element()? else { return Ok(Elements(Some(elements))) };
            elements.push(raw);
        }
        match sequence.next_element::<IgnoredAny>()? {
            None => Ok(Elements(Some(elements))),
            Some(_) => Err(S::Error::invalid_length(elements.len() + 1, &self)),
        }
    }
}

/// The member `records`: which page this is, of how many records.
#[derive(Default)]
struct Counts {
    total: Option<u64>,
    size: Option<u64>,
    number: Option<u64>,
    cursor: Option<Cursor>,
}

impl Counts {
    /// Numbers may be missing or odd. A cursor may be missing, but not odd: the rest of the listing
    /// would be lost without a word.
    fn decode(raw: &RawValue) -> Result<Self, BadPage> {
        let value: serde_json::Value = serde_json::from_str(raw.get()).map_err(|_| BadPage::Cursor)?;
        let number = |name| value.get(name).and_then(as_count);
        let cursor = match value.get("cursor") {
            None | Some(serde_json::Value::Null) => None,
            Some(serde_json::Value::String(text)) if text.is_empty() => None,
            Some(serde_json::Value::String(text)) => Some(Cursor::new(text)),
            Some(_) => return Err(BadPage::Cursor),
        };
        Ok(Self {
            total: number("totalRecords"),
            size: number("currentPageSize"),
            number: number("currentPageNumber"),
            cursor,
        })
    }
}

fn as_count(value: &serde_json::Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
