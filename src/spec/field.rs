//! How the shapes of [`raw`](super::raw) hold their values: with their position, and without letting
//! one bad value spoil the rest.
//!
//! [`Field`] and the decoder have a private understanding over serde's own words: a `Field` asks for a
//! newtype of the name [`FIELD`] and is given a sequence of line, column, the text to show, and the
//! value. A value that does not decode has been noted by the decoder by then; the `Field` only
//! remembers that there was one.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use secrecy::SecretString;
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use super::problem::Position;

/// The name of the newtype that the decoder answers with position and value.
pub(super) const FIELD: &str = "gong-export::spec::Field";

/// A value of the job file with what messages about it need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    pub value: T,
    pub position: Position,
    /// The value as messages may show it: as it stands in the file, so that of `${VAR}` the name
    /// is shown and not what it stands for. Empty for lists and mappings.
    pub shown: String,
}

/// The value of a key that may be missing or unusable.
#[derive(Default)]
pub(super) enum Field<T> {
    #[default]
    Absent,
    /// There, but not decodable, which has been noted.
    Invalid,
    Present(Located<T>),
}

impl<T> Field<T> {
    /// The value, if it is there and usable.
    pub(super) fn present(self) -> Option<Located<T>> {
        match self {
            Self::Present(located) => Some(located),
            Self::Absent | Self::Invalid => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asking for an option first makes serde's derive answer `none` for a key that is missing,
        // where it would give up on the whole struct otherwise.
        deserializer.deserialize_option(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value from a job file")
    }

    fn visit_none<E: de::Error>(self) -> Result<Field<T>, E> {
        Ok(Field::Absent)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<T>, D::Error> {
        deserializer.deserialize_newtype_struct(FIELD, self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Field<T>, A::Error> {
        let missing = || de::Error::custom("only the decoder of job files can fill a field");
        let line = parts.next_element()?.ok_or_else(missing)?;
        let column = parts.next_element()?.ok_or_else(missing)?;
        let shown = parts.next_element()?.ok_or_else(missing)?;
        let position = Position { line, column };
        match parts.next_element::<T>() {
            Ok(Some(value)) => Ok(Field::Present(Located { value, position, shown })),
            Ok(None) => Err(missing()),
            // Noted by the decoder, which goes on with the next key.
            Err(_) => Ok(Field::Invalid),
        }
    }
}

/// In the schema a field is what it holds.
impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Text that no message and no `Debug` shows.
pub(super) struct Secret(pub(super) SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1 })
    }
}
