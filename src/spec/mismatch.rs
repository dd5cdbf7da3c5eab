//! Why a value of the job file does not fit the type it is wanted as, and how that is said.

use std::fmt;

use serde::de;

use super::node::{Kind, Node};
use super::problem::{Notes, Problem, quoted};

/// Why a value does not fit. What it is instead is told from the node and never from the value, which
/// may have come from a variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mismatch {
    #[error("not {expected}")]
    Expected { expected: String, remedy: &'static str },
    #[error("not a mapping")]
    Mapping,
    #[error("none of the words that are allowed")]
    OneOf(&'static [&'static str]),
    /// Said by a type's own decoder; may quote the value.
    #[error("{0}")]
    Custom(String),
    /// Known with the place where it was met.
    #[error("{0}")]
    Placed(Problem),
    #[error("noted already")]
    Noted,
}

/// What the path of a list ends with when one of its items is meant.
pub(super) const ITEM: &str = "[]";

const SEE_SCHEMA: &str = "`gong-export schema job` describes every key";

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Expected { expected: expected.to_string(), remedy: SEE_SCHEMA }
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Expected { expected: expected.to_string(), remedy: SEE_SCHEMA }
    }

    fn unknown_variant(_: &str, words: &'static [&'static str]) -> Self {
        Self::OneOf(words)
    }
}

impl Mismatch {
    /// With the place, if it has none yet: that of `node`, which stands at `path`.
    pub(super) fn placed(self, node: &Node, path: &str) -> Self {
        if matches!(node.kind, Kind::Broken) {
            return Self::Noted;
        }
        let name = match path.strip_suffix(ITEM) {
            Some(list) => format!("an item of {}", quoted(list)),
            None if path.is_empty() => "a job spec".to_owned(),
            None => quoted(path),
        };
        if matches!(&node.kind, Kind::Scalar(scalar) if scalar.is_null()) {
            let remedy = "write a value after the colon, or remove the key";
            return Self::Placed(Problem::at(node.position, format!("{name} has no value"), remedy));
        }
        let instead = match &node.kind {
            Kind::List(_) => "a list".to_owned(),
            Kind::Mapping(_) => "a mapping".to_owned(),
            Kind::Scalar(scalar) if !scalar.plain && scalar.written.is_none() => {
                quoted(&format!("\"{}\"", scalar.text))
            }
            Kind::Scalar(_) | Kind::Broken => quoted(node.shown()),
        };
        let from_variable = matches!(&node.kind, Kind::Scalar(scalar) if scalar.written.is_some());
        let (message, remedy) = match self {
            Self::Placed(_) | Self::Noted => return self,
            Self::Expected { expected, remedy } => {
                (format!("{name} must be {expected}, not {instead}"), remedy.to_owned())
            }
            // The scalar that stands there instead is not shown: under `auth` it may be a secret.
            Self::Mapping => {
                let instead = if matches!(node.kind, Kind::Scalar(_)) { "a single value" } else { instead.as_str() };
                let remedy = match path {
                    "" => "begin with `version: 1`; `gong-export init` writes a commented job to start from",
                    _ => "write its keys on lines of their own below it, further to the right",
                };
                (format!("{name} must be a mapping, not {instead}"), remedy.to_owned())
            }
            Self::OneOf(words) => {
                let words = words.join(", ");
                (format!("{name} cannot be {instead}"), format!("write one of: {words}"))
            }
            Self::Custom(_) if from_variable => (format!("{name} cannot be {instead}"), SEE_SCHEMA.to_owned()),
            Self::Custom(text) => (format!("{name} cannot be {instead}: {text}"), SEE_SCHEMA.to_owned()),
        };
        Self::Placed(Problem::at(node.position, message, remedy))
    }

    pub(super) fn note(self, node: &Node, path: &str, notes: &mut Notes) {
        if let Self::Placed(problem) = self.placed(node, path) {
            notes.add(problem);
        }
    }
}
