//! From the tree to the shapes of [`raw`](super::raw), noting everything that does not fit.
//!
//! An ordinary serde decoder stops at its first error. This one knows the keys of a struct before it
//! decodes it, so it notes the unknown ones and passes over them; and a value that does not fit is
//! noted where it stands, and left out (see [`field`](super::field)).

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::field::FIELD;
use super::mismatch::{ITEM, Mismatch};
use super::node::{Entry, Kind, Node, Scalar};
use super::problem::{Notes, quoted};
use super::raw::{AUTH_PATH, NOTIFY_PATH, OAUTH_PATH, PRIVACY_PATH};
use super::suggest::closest;

/// Decodes the tree, or the part of it that stands at `path`. `None` when there was nothing to make
/// of it; what was wrong is in `notes` either way.
pub(super) fn decode<'de, T: Deserialize<'de>>(node: &Node, path: &str, notes: &mut Notes) -> Option<T> {
    T::deserialize(Decoder { node, path: path.to_owned(), notes: &mut *notes })
        .map_err(|mismatch| mismatch.note(node, path, notes))
        .ok()
}

/// Decodes a shape without [`Field`](super::field::Field)s whose keys all have defaults: first each
/// key alone, so that one bad value does not hide the next.
pub(super) fn decode_by_key<'de, T: Deserialize<'de>>(node: &Node, path: &str, notes: &mut Notes) -> Option<T> {
    let Kind::Mapping(entries) = &node.kind else {
        return decode(node, path, notes);
    };
    let mut all_fit = true;
    for entry in entries {
        let alone = Alone { entry, path, notes: &mut *notes };
        if let Err(mismatch) = T::deserialize(alone) {
            mismatch.note(&entry.value, &join(path, &entry.key), notes);
            all_fit = false;
        }
    }
    // Unknown keys have been noted by now.
    if all_fit { decode(node, path, &mut Notes::default()) } else { None }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// One node, ready to be asked for a type.
struct Decoder<'a> {
    node: &'a Node,
    /// The keys that lead to it, for messages: `source.auth`.
    path: String,
    notes: &'a mut Notes,
}

impl Decoder<'_> {
    fn scalar(&self, expected: &'static str, remedy: &'static str) -> Result<&Scalar, Mismatch> {
        match &self.node.kind {
            Kind::Scalar(scalar) if !scalar.is_null() => Ok(scalar),
            Kind::Scalar(_) | Kind::List(_) | Kind::Mapping(_) | Kind::Broken => {
                Err(self.mismatch(Mismatch::Expected { expected: expected.into(), remedy }))
            }
        }
    }

    /// The text of a number or truth value: not in quotes, unless it came from a variable.
    fn unquoted(&self, expected: &'static str, remedy: &'static str) -> Result<&str, Mismatch> {
        let scalar = self.scalar(expected, remedy)?;
        if scalar.plain || scalar.written.is_some() {
            return Ok(scalar.text.trim());
        }
        let remedy = "remove the quotes";
        Err(self.mismatch(Mismatch::Expected { expected: expected.into(), remedy }))
    }

    fn mismatch(&self, mismatch: Mismatch) -> Mismatch {
        mismatch.placed(self.node, &self.path)
    }
}

const WHOLE: &str = "a whole number";
const NOT_NEGATIVE: &str = "a whole number, 0 or more";
const WRITE_WHOLE: &str = "write digits only, such as `25`";
const WRITE_NUMBER: &str = "write a number, such as `3` or `0.5`";

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ty, $expected:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            let number = self.unquoted($expected, WRITE_WHOLE)?.parse::<$type>().map_err(|_| {
                self.mismatch(Mismatch::Expected { expected: $expected.into(), remedy: WRITE_WHOLE })
            })?;
            visitor.$visit(number).map_err(|mismatch: Mismatch| self.mismatch(mismatch))
        }
    )*};
}

impl<'de> Deserializer<'de> for Decoder<'_> {
    type Error = Mismatch;

    whole_numbers! {
        deserialize_i8 visit_i8 i8, "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32, WHOLE;
        deserialize_i64 visit_i64 i64, WHOLE;
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, NOT_NEGATIVE;
        deserialize_u64 visit_u64 u64, NOT_NEGATIVE;
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let expected = "a number";
        let number: Option<f64> = self.unquoted(expected, WRITE_NUMBER)?.parse().ok();
        match number.filter(|number| number.is_finite()) {
            Some(number) => visitor.visit_f64(number).map_err(|mismatch: Mismatch| self.mismatch(mismatch)),
            None => Err(self.mismatch(Mismatch::Expected { expected: expected.into(), remedy: WRITE_NUMBER })),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let (expected, remedy) = ("true or false", "write `true` or `false`, without quotes");
        let value = match self.unquoted(expected, remedy)? {
            "true" => true,
            "false" => false,
            _ => return Err(self.mismatch(Mismatch::Expected { expected: expected.into(), remedy })),
        };
        visitor.visit_bool(value).map_err(|mismatch: Mismatch| self.mismatch(mismatch))
    }

    /// Any scalar but null: ids written without quotes keep all their digits.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let scalar = self.scalar("text", "write a single value")?;
        visitor.visit_str(&scalar.text).map_err(|mismatch: Mismatch| self.mismatch(mismatch))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        let Kind::Scalar(scalar) = &self.node.kind else {
            return Err(self.mismatch(Mismatch::OneOf(variants)));
        };
        let word: StrDeserializer<'_, Mismatch> = scalar.text.as_str().into_deserializer();
        visitor.visit_enum(word).map_err(|mismatch| self.mismatch(mismatch))
    }

    /// Nothing after the colon is a mistake, so there is always some.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        if name == FIELD {
            return visitor.visit_seq(FieldParts { decoder: self, given: 0 });
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let Kind::List(items) = &self.node.kind else {
            let remedy = "write a list: `[first, second]`, or one `- item` a line";
            return Err(self.mismatch(Mismatch::Expected { expected: "a list".into(), remedy }));
        };
        visitor.visit_seq(Items { items: items.iter(), path: &self.path, notes: self.notes })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let Kind::Mapping(entries) = &self.node.kind else {
            return Err(self.mismatch(Mismatch::Mapping));
        };
        visitor.visit_map(Entries::new(entries, &self.path, self.notes))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        let Kind::Mapping(entries) = &self.node.kind else {
            return Err(self.mismatch(Mismatch::Mapping));
        };
        visitor.visit_map(Entries::of_struct(entries, keys, &self.path, self.notes))
    }

    /// For types that take what comes: what a plain scalar looks like decides.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.node.kind {
            Kind::List(_) => self.deserialize_seq(visitor),
            Kind::Mapping(_) => self.deserialize_map(visitor),
            Kind::Scalar(scalar) if !scalar.is_null() && (scalar.plain || scalar.written.is_some()) => {
                let text = scalar.text.trim();
                if matches!(text, "true" | "false") {
                    self.deserialize_bool(visitor)
                } else if text.parse::<u64>().is_ok() {
                    self.deserialize_u64(visitor)
                } else if text.parse::<i64>().is_ok() {
                    self.deserialize_i64(visitor)
                } else if text.parse::<f64>().is_ok_and(f64::is_finite) {
                    self.deserialize_f64(visitor)
                } else {
                    self.deserialize_str(visitor)
                }
            }
            Kind::Scalar(_) | Kind::Broken => self.deserialize_str(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

/// The keys of a mapping one after another, with their values.
struct Entries<'a> {
    entries: std::slice::Iter<'a, Entry>,
    /// The key that was handed out last.
    entry: Option<&'a Entry>,
    /// The keys that are known; of a mapping with free keys none are asked for.
    keys: Option<&'static [&'static str]>,
    path: &'a str,
    notes: &'a mut Notes,
}

impl<'a> Entries<'a> {
    fn new(entries: &'a [Entry], path: &'a str, notes: &'a mut Notes) -> Self {
        Self { entries: entries.iter(), entry: None, keys: None, path, notes }
    }

    fn of_struct(entries: &'a [Entry], keys: &'static [&'static str], path: &'a str, notes: &'a mut Notes) -> Self {
        Self { entries: entries.iter(), entry: None, keys: Some(keys), path, notes }
    }

    fn note_unknown(&mut self, entry: &Entry, keys: &[&str]) {
        let message = match self.path {
            "" => format!("unknown key {}", quoted(&entry.key)),
            // `{access_key:hush}`, without a space after the colon, is a key as a whole.
            path @ (AUTH_PATH | OAUTH_PATH | NOTIFY_PATH) => format!("unknown key in `{path}`"),
            path @ PRIVACY_PATH if entry.key.contains(':') => format!("unknown key in `{path}`"),
            path => format!("unknown key {} in {}", quoted(&entry.key), quoted(path)),
        };
        let remedy = match closest(&entry.key, keys.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known keys: {}", keys.join(", ")),
        };
        self.notes.at(entry.position, message, remedy);
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        while let Some(entry) = self.entries.next() {
            if let Some(keys) = self.keys
                && !keys.contains(&entry.key.as_str())
            {
                self.note_unknown(entry, keys);
                continue;
            }
            self.entry = Some(entry);
            let key: StrDeserializer<'_, Mismatch> = entry.key.as_str().into_deserializer();
            return seed.deserialize(key).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let Some(entry) = self.entry.take() else {
            return Err(Mismatch::Custom("a value was asked for before its key".into()));
        };
        // Free keys can be a secret as well, for the same reason.
        let path = match self.keys {
            None if self.path.starts_with(NOTIFY_PATH) => format!("{}{ITEM}", self.path),
            _ => join(self.path, &entry.key),
        };
        seed.deserialize(Decoder { node: &entry.value, path: path.clone(), notes: self.notes })
            .map_err(|mismatch| mismatch.placed(&entry.value, &path))
    }
}

/// The items of a list one after another.
struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    path: &'a str,
    notes: &'a mut Notes,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some(node) = self.items.next() else {
            return Ok(None);
        };
        let path = format!("{}{ITEM}", self.path);
        seed.deserialize(Decoder { node, path: path.clone(), notes: self.notes })
            .map(Some)
            .map_err(|mismatch| mismatch.placed(node, &path))
    }
}

/// What a [`Field`](super::field::Field) is given: line, column, the text to show, the value.
struct FieldParts<'a> {
    decoder: Decoder<'a>,
    given: u8,
}

impl<'de> SeqAccess<'de> for FieldParts<'_> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let node = self.decoder.node;
        self.given += 1;
        match self.given {
            1 => seed.deserialize(node.position.line.into_deserializer()).map(Some),
            2 => seed.deserialize(node.position.column.into_deserializer()).map(Some),
            3 => seed.deserialize(node.shown().into_deserializer()).map(Some),
            4 => {
                let path = self.decoder.path.clone();
                let value = Decoder { node, path: path.clone(), notes: &mut *self.decoder.notes };
                seed.deserialize(value).map(Some).map_err(|mismatch| {
                    mismatch.note(node, &path, self.decoder.notes);
                    Mismatch::Noted
                })
            }
            _ => Ok(None),
        }
    }
}

/// A mapping of one key, for [`decode_by_key`].
struct Alone<'a> {
    entry: &'a Entry,
    path: &'a str,
    notes: &'a mut Notes,
}

impl<'de> Deserializer<'de> for Alone<'_> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_map(Entries::new(std::slice::from_ref(self.entry), self.path, self.notes))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_map(Entries::of_struct(std::slice::from_ref(self.entry), keys, self.path, self.notes))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
