//! A JSON object from which typed values are taken, field by field, and whose rest is kept.
//!
//! Taking a value removes it. What is of another type than asked for, and what nobody asked for,
//! stays: [`Object::finish`] writes it as `extra_json` and counts it. So a field is either in a
//! column or in the rest, whatever Gong sends.
//!
//! The object is split once, its values stay slices of the answer. It does not look inside a value
//! until somebody takes it. Used by the decoders beside it and by datasets that decode their own
//! part of a record.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, FixedOffset, Utc};
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::value;
use super::{Drift, Rejected};

/// An object and what of it is not taken yet, in the order sent.
#[derive(Debug, Default)]
pub struct Object<'a> {
    fields: Vec<Field<'a>>,
    /// Lone surrogates in the texts taken from here and from the objects inside.
    replaced_characters: u64,
}

#[derive(Debug)]
struct Field<'a> {
    /// As sent, quotes and escapes included.
    key: &'a str,
    name: Cow<'a, str>,
    value: Value<'a>,
}

#[derive(Debug)]
enum Value<'a> {
    /// Nobody asked for it.
    Unread(&'a str),
    /// Somebody asked for another type.
    Unexpected(&'a str),
    /// Read in part; this is left of it.
    Object(Object<'a>),
    /// Read in part; elements that were taken whole are empty objects, so that the others keep their
    /// places.
    List(Vec<Value<'a>>),
}

/// What a field without a type of its own holds.
#[derive(Debug, PartialEq, Eq)]
pub struct AnyValue<'a> {
    /// `string`, `number`, `boolean`, `array`, `object` or `null`.
    pub json_type: &'static str,
    /// A string as it is, anything else as compact JSON; `None` for null.
    pub text: Option<Cow<'a, str>>,
}

impl<'a> AnyValue<'a> {
    fn read(raw: &'a str, replaced: &mut u64) -> Option<Self> {
        let json_type = match raw.as_bytes().first()? {
            b'"' => return value::text(raw, replaced).map(|text| Self { json_type: "string", text: Some(text) }),
            b'[' => "array",
            b'{' => "object",
            b't' | b'f' => "boolean",
            _ => "number",
        };
        Some(Self { json_type, text: Some(value::compact(raw)) })
    }
}

impl<'a> Object<'a> {
    /// `None` when this is not a JSON object.
    pub fn parse(raw: &'a str) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(raw);
        let fields = deserializer.deserialize_map(FieldsVisitor).ok()?;
        deserializer.end().ok()?;
        Some(Self { fields, replaced_characters: 0 })
    }

    /// A record with the id that it cannot be used without. `what` names it in the reason for its
    /// rejection.
    pub fn with_id(raw: &'a str, what: &str, id: &str) -> Result<(Cow<'a, str>, Self), Rejected> {
        let mut record = Self::parse(raw).ok_or_else(|| Rejected::new(&format!("{what} is not an object")))?;
        match record.id(id).filter(|id| !id.is_empty()) {
            Some(id) => Ok((id, record)),
            None => Err(Rejected::new(&format!("{what} has no usable {id}"))),
        }
    }

    pub fn text(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let mut replaced = 0;
        let text = self.take(name, |raw| value::text(raw, &mut replaced));
        self.replaced_characters += replaced;
        text
    }

    /// A string or a whole number, as text.
    pub fn id(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let mut replaced = 0;
        let id = self.take(name, |raw| value::id(raw, &mut replaced));
        self.replaced_characters += replaced;
        id
    }

    /// An [`id`](Self::id) that `is_usable`; any other stays in the rest.
    pub fn id_if(&mut self, name: &str, is_usable: impl FnOnce(&str) -> bool) -> Option<Cow<'a, str>> {
        let mut replaced = 0;
        let id = self.take(name, |raw| value::id(raw, &mut replaced).filter(|id| is_usable(id)));
        self.replaced_characters += replaced;
        id
    }

    /// A value of any type.
    pub fn any(&mut self, name: &str) -> Option<AnyValue<'a>> {
        let mut replaced = 0;
        let was_here = self.holds(name);
        let value = self.take(name, |raw| AnyValue::read(raw, &mut replaced));
        self.replaced_characters += replaced;
        // A null is taken, but is no value.
        value.or_else(|| (was_here && !self.holds(name)).then_some(AnyValue { json_type: "null", text: None }))
    }

    pub fn int64(&mut self, name: &str) -> Option<i64> {
        self.take(name, value::int64)
    }

    /// A whole number, also one sent as text.
    pub fn int64_or_text(&mut self, name: &str) -> Option<i64> {
        self.take(name, |raw| value::int64(raw).or_else(|| value::text(raw, &mut 0)?.parse().ok()))
    }

    pub fn double(&mut self, name: &str) -> Option<f64> {
        self.take(name, value::double)
    }

    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        self.take(name, value::boolean)
    }

    /// A date-time with an offset, to the microsecond.
    pub fn instant(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.date_time(name).map(|time| time.to_utc())
    }

    /// The same, for those who need the day on the clock of Gong's offset.
    pub fn date_time(&mut self, name: &str) -> Option<DateTime<FixedOffset>> {
        self.take(name, value::date_time)
    }

    /// The text of any value as sent.
    pub fn raw(&mut self, name: &str) -> Option<&'a str> {
        self.take(name, Some)
    }

    /// A list as compact JSON.
    pub fn list_json(&mut self, name: &str) -> Option<Cow<'a, str>> {
        self.take(name, |raw| raw.starts_with('[').then(|| value::compact(raw)))
    }

    /// An object as compact JSON.
    pub fn object_json(&mut self, name: &str) -> Option<Cow<'a, str>> {
        self.take(name, |raw| raw.starts_with('{').then(|| value::compact(raw)))
    }

    /// Any value but null, as compact JSON.
    pub fn json(&mut self, name: &str) -> Option<Cow<'a, str>> {
        self.take(name, |raw| Some(value::compact(raw)))
    }

    /// All fields that are lists of ids, whatever their names, in the order sent.
    pub fn id_lists(&mut self) -> Vec<(String, Vec<Cow<'a, str>>)> {
        let mut lists = Vec::new();
        let mut replaced = 0;
        self.fields.retain(|field| {
            let Value::Unread(raw) = field.value else { return true };
            let ids = elements(raw).and_then(|ids| ids.into_iter().map(|id| value::id(id, &mut replaced)).collect());
            match ids {
                Some(ids) => lists.push((field.name.clone().into_owned(), ids)),
                None => return true,
            }
            false
        });
        self.replaced_characters += replaced;
        lists
    }

    /// A list as the texts of its elements, for records that keep their own rest.
    pub fn elements(&mut self, name: &str) -> Option<Vec<&'a str>> {
        self.take(name, elements)
    }

    /// An object inside; what `read` does not take of it stays at its place in this one.
    pub fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let (index, raw) = self.find(name)?;
        let Some(mut inner) = Self::parse(raw) else {
            self.fields[index].value = Value::Unexpected(raw);
            return None;
        };
        let result = read(&mut inner);
        self.replaced_characters += inner.replaced_characters;
        if inner.fields.is_empty() {
            self.fields.remove(index);
        } else {
            self.fields[index].value = Value::Object(inner);
        }
        Some(result)
    }

    /// A list of objects. An element that is none is read as an empty object, so that positions
    /// hold, and stays in the rest unless it is null.
    pub fn list<T>(&mut self, name: &str, mut read: impl FnMut(&mut Self) -> T) -> Option<Vec<T>> {
        let (index, raw) = self.find(name)?;
        let Some(elements) = elements(raw) else {
            self.fields[index].value = Value::Unexpected(raw);
            return None;
        };
        let mut results = Vec::with_capacity(elements.len());
        let mut rest = Vec::with_capacity(elements.len());
        for raw in elements {
            let parsed = Self::parse(raw);
            let is_known = parsed.is_some() || raw == "null";
            let mut inner = parsed.unwrap_or_default();
            results.push(read(&mut inner));
            self.replaced_characters += inner.replaced_characters;
            rest.push(if is_known { Value::Object(inner) } else { Value::Unexpected(raw) });
        }
        if rest.iter().all(Value::is_taken) {
            self.fields.remove(index);
        } else {
            self.fields[index].value = Value::List(rest);
        }
        Some(results)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether a field is still here: never asked for, or of another type than asked for.
    pub fn holds(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// Counts what is left under `path` and returns it as one compact JSON object, keys and values
    /// as sent and in the order sent; `None` when all was taken.
    pub fn finish(self, path: &str, drift: &mut Drift) -> Option<String> {
        drift.replaced_characters += self.replaced_characters;
        if self.fields.is_empty() {
            return None;
        }
        let mut rest = String::new();
        Value::Object(self).write(path, &mut rest, drift);
        Some(rest)
    }

    /// Removes a field if `read` understands it.
    fn take<T>(&mut self, name: &str, read: impl FnOnce(&'a str) -> Option<T>) -> Option<T> {
        let (index, raw) = self.find(name)?;
        let taken = read(raw);
        if taken.is_some() {
            self.fields.remove(index);
        } else {
            self.fields[index].value = Value::Unexpected(raw);
        }
        taken
    }

    /// The place and text of a field that nobody has asked for. A null is removed, being no value.
    /// Of equal names the last counts, as in every JSON reader; the others stay in the rest.
    fn find(&mut self, name: &str) -> Option<(usize, &'a str)> {
        let index = self.fields.iter().rposition(|field| field.name == name)?;
        match self.fields[index].value {
            Value::Unread("null") => {
                self.fields.remove(index);
                None
            }
            Value::Unread(raw) => Some((index, raw)),
            Value::Unexpected(_) | Value::Object(_) | Value::List(_) => None,
        }
    }
}

impl Value<'_> {
    fn is_taken(&self) -> bool {
        matches!(self, Value::Object(object) if object.fields.is_empty())
    }

    /// Appends the value to `rest` and counts what in it is unknown or unexpected.
    fn write(&self, path: &str, rest: &mut String, drift: &mut Drift) {
        match self {
            Value::Unread(raw) => {
                drift.unknown_field(path);
                value::append_compact(raw, rest);
            }
            Value::Unexpected(raw) => {
                drift.unexpected_type(path);
                value::append_compact(raw, rest);
            }
            Value::Object(object) => {
                rest.push('{');
                for (index, field) in object.fields.iter().enumerate() {
                    if index > 0 {
                        rest.push(',');
                    }
                    rest.push_str(field.key);
                    rest.push(':');
                    field.value.write(&format!("{path}.{}", field.name), rest, drift);
                }
                rest.push('}');
            }
            Value::List(elements) => {
                rest.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        rest.push(',');
                    }
                    element.write(path, rest, drift);
                }
                rest.push(']');
            }
        }
    }
}

/// The texts of a list's elements; `None` when this is not a JSON list.
pub(super) fn elements(raw: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// What is left of a record and of the one part of it that a row is made from, as one object: the
/// part's under the name of its list.
pub fn joined(of_record: Option<&str>, part: &str, of_part: Option<&str>) -> Option<String> {
    let Some(of_part) = of_part else { return of_record.map(str::to_owned) };
    let head = match of_record.and_then(|record| record.strip_suffix('}')) {
        Some(fields) => format!("{fields},"),
        None => "{".to_owned(),
    };
    Some(format!("{head}\"{part}\":{of_part}}}"))
}

struct FieldsVisitor;

impl<'a> Visitor<'a> for FieldsVisitor {
    type Value = Vec<Field<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        // Keys raw too: their escapes are kept, and a broken one does not lose the record.
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let key = key.get();
            let name = value::text(key, &mut 0).unwrap_or(Cow::Borrowed(key));
            fields.push(Field { key, name, value: Value::Unread(value.get()) });
        }
        Ok(fields)
    }
}

#[cfg(test)]
pub(super) mod tests;
