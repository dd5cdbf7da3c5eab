//! Rewriting the strings of a JSON document, each without its escapes, and nothing else of it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error, Visitor};

/// What the keys above a string say that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Free,
    Name,
    Phone,
    /// A number, no string, under no key that says what it is.
    Number,
}

/// Keys whose values are names, without what separates their words.
const NAME_KEYS: [&str; 14] = [
    "name",
    "names",
    "firstname",
    "lastname",
    "middlename",
    "fullname",
    "displayname",
    "givenname",
    "familyname",
    "surname",
    "nickname",
    "username",
    "speakername",
    "personname",
];

/// Keys of phone numbers, besides those that hold the word `phone`.
const PHONE_KEYS: [&str; 4] = ["mobile", "cell", "fax", "tel"];

impl Place {
    fn of_key(key: &str) -> Option<Self> {
        let key: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if NAME_KEYS.contains(&key.as_str()) {
            return Some(Self::Name);
        }
        let word = key.strip_suffix("number").unwrap_or(&key);
        let is_phone = key.contains("phone") || PHONE_KEYS.contains(&word);
        is_phone.then_some(Self::Phone)
    }
}

/// An object or a list that is open.
struct Open {
    is_object: bool,
    place: Place,
}

/// Hands every string to `replace`, keys too, and writes what it returns in its place. Numbers under keys
/// of phone numbers are handed over as well, and become strings. `json` is valid. `None` when nothing was
/// replaced.
pub(super) fn rewrite(json: &str, mut replace: impl FnMut(Place, &str) -> Option<String>) -> Option<String> {
    let mut rewritten = String::new();
    let mut copied = 0;
    let mut open: Vec<Open> = Vec::new();
    // Of the value that comes next.
    let mut place = Place::Free;
    let mut is_key = false;
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let begin = at;
        at += 1;
        match byte {
            b'{' | b'[' => {
                is_key = *byte == b'{';
                open.push(Open { is_object: is_key, place });
            }
            b'}' | b']' => {
                open.pop();
            }
            b',' => {
                is_key = open.last().is_some_and(|open| open.is_object);
                place = open.last().map_or(Place::Free, |open| open.place);
            }
            b'"' | b'-' | b'0'..=b'9' => {
                let is_string = *byte == b'"';
                at = if is_string { end_of_string(bytes, at) } else { end_of_number(bytes, at) };
                let raw = &json[begin..at];
                let text = if is_string { unescape(raw) } else { Cow::Borrowed(raw) };
                let given = match (is_key, is_string) {
                    (true, _) => Place::Free,
                    (false, true) => place,
                    (false, false) if place == Place::Phone => place,
                    (false, false) => Place::Number,
                };
                if let Some(replacement) = replace(given, &text) {
                    rewritten.push_str(&json[copied..begin]);
                    rewritten.push_str(&serde_json::Value::from(replacement).to_string());
                    copied = at;
                }
                if is_key {
                    let inherited = open.last().map_or(Place::Free, |open| open.place);
                    place = Place::of_key(&text).unwrap_or(inherited);
                    is_key = false;
                }
            }
            _ => {}
        }
    }
    if copied == 0 {
        return None;
    }
    rewritten.push_str(&json[copied..]);
    Some(rewritten)
}

fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'\\' => 2,
            b'"' => return at + 1,
            _ => 1,
        };
    }
    bytes.len()
}

fn end_of_number(bytes: &[u8], at: usize) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    at + bytes[at..].iter().take_while(|byte| is_part(byte)).count()
}

/// Halves of surrogate pairs, which JSON can spell and text cannot hold, become U+FFFD.
fn unescape(raw: &str) -> Cow<'_, str> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let unescaped = serde_json::Deserializer::from_str(raw).deserialize_bytes(Bytes);
    unescaped.map_or(Cow::Borrowed(inner), Cow::Owned)
}
