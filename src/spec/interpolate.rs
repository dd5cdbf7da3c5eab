//! `${VAR}` and `${VAR:-default}` in the values of a job spec. Pure: the environment is handed in.
//!
//! Runs on values after the YAML has been parsed, so what a variable holds can neither add keys nor
//! change the structure. A replaced text is not looked at again. As in a shell, the default stands in
//! for a variable that is unset or empty. `$${` writes a literal `${`; any other `$` is itself, so
//! that passwords with a `$` need no care.

use super::node::{Kind, Node};
use super::problem::Notes;

/// Why a reference could not be replaced. Holds no more than a name: the text around it, and a default,
/// may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum InterpolationError {
    #[error("the environment variable `{name}` is not set")]
    Unset { name: String },
    /// Not a name, or a default that holds another reference.
    #[error("a `${{…}}` in this value is not a reference to a variable")]
    Malformed,
    #[error("a `${{` in this value has no `}}` after it")]
    Unclosed,
}

impl InterpolationError {
    fn remedy(&self) -> String {
        match self {
            Self::Unset { name } => format!("set it, or give a default: `${{{name}:-default}}`"),
            Self::Malformed | Self::Unclosed => {
                "write `${NAME}` or `${NAME:-default}`; for a literal `${`, write `$${`".to_owned()
            }
        }
    }
}

/// Replaces the references in all values of the tree. A value with a bad one is noted and broken.
pub(super) fn interpolate_tree(node: &mut Node, variable: &dyn Fn(&str) -> Option<String>, notes: &mut Notes) {
    match &mut node.kind {
        Kind::Broken => {}
        Kind::List(items) => {
            for item in items {
                interpolate_tree(item, variable, notes);
            }
        }
        Kind::Mapping(entries) => {
            for entry in entries {
                interpolate_tree(&mut entry.value, variable, notes);
            }
        }
        Kind::Scalar(scalar) => match interpolate(&scalar.text, variable) {
            Ok(None) => {}
            Ok(Some(text)) => scalar.written = Some(std::mem::replace(&mut scalar.text, text)),
            Err(errors) => {
                for error in errors {
                    notes.at(node.position, error.to_string(), error.remedy());
                }
                node.kind = Kind::Broken;
            }
        },
    }
}

/// `None` when there was nothing to replace; otherwise the new text, or every reference that failed.
fn interpolate(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, Vec<InterpolationError>> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut replaced = String::with_capacity(text.len());
    let mut errors = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, reference) = rest.split_at(start);
        if let Some(before) = before.strip_suffix('$') {
            replaced.push_str(before);
            replaced.push_str("${");
            rest = &reference["${".len()..];
            continue;
        }
        replaced.push_str(before);
        let Some(end) = reference.find('}') else {
            errors.push(InterpolationError::Unclosed);
            break;
        };
        let (reference, after) = reference.split_at(end + 1);
        match value_of(reference, variable) {
            Ok(value) => replaced.push_str(&value),
            Err(error) => errors.push(error),
        }
        rest = after;
    }
    replaced.push_str(rest);
    if errors.is_empty() { Ok(Some(replaced)) } else { Err(errors) }
}

/// What `${…}` stands for.
fn value_of(reference: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, InterpolationError> {
    let inner = &reference["${".len()..reference.len() - "}".len()];
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let nested = default.is_some_and(|default| default.contains("${"));
    if nested || !is_name(name) {
        return Err(InterpolationError::Malformed);
    }
    match (variable(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(InterpolationError::Unset { name: name.to_owned() }),
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("gong.example".into()),
            "EMPTY" => Some(String::new()),
            "TRICKY" => Some("${HOST}: [x]\nkey: y".into()),
            _ => None,
        }
    }

    fn replace(text: &str) -> Result<Option<String>, Vec<InterpolationError>> {
        interpolate(text, &environment)
    }

    fn replaced(text: &str) -> String {
        replace(text).unwrap().unwrap()
    }

    #[test]
    fn replaces_references() {
        assert_eq!(replaced("https://${HOST}/"), "https://gong.example/");
        assert_eq!(replaced("${HOST}${HOST}"), "gong.examplegong.example");
        assert_eq!(replaced("${EMPTY}"), "");
        assert_eq!(replaced("${EMPTY:-x}-${MISSING:-y}-${MISSING:-}-${HOST:-z}"), "x-y--gong.example");
        assert_eq!(replaced("${MISSING:-a:-b}"), "a:-b");
    }

    #[test]
    fn a_dollar_alone_is_itself() {
        for text in ["", "plain", "$", "$$", "pa$$word$", "$HOST", "{HOST}", "$ {HOST}"] {
            assert_eq!(replace(text), Ok(None), "{text}");
        }
        assert_eq!(replaced("$${HOST}"), "${HOST}");
        assert_eq!(replaced("a$${b and ${HOST}"), "a${b and gong.example");
    }

    #[test]
    fn what_a_variable_holds_is_not_looked_at_again() {
        assert_eq!(replaced("${TRICKY}"), "${HOST}: [x]\nkey: y");
    }

    #[test]
    fn every_bad_reference_is_told() {
        let unset = |name: &str| InterpolationError::Unset { name: name.into() };
        assert_eq!(replace("${A} ${HOST} ${B}"), Err(vec![unset("A"), unset("B")]));
        assert_eq!(replace("${}"), Err(vec![InterpolationError::Malformed]));
        assert_eq!(replace("${1A}"), Err(vec![InterpolationError::Malformed]));
        assert_eq!(replace("${HOST-x}"), Err(vec![InterpolationError::Malformed]));
        assert_eq!(replace("${A:-${HOST}}"), Err(vec![InterpolationError::Malformed]));
        assert_eq!(replace("x ${HOST"), Err(vec![InterpolationError::Unclosed]));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([$]|[{]|[}]|:-|HOST|[a-z]|\\PC){0,40}") {
            let _ = replace(&text);
        }

        #[test]
        fn text_around_references_is_kept(before in "[^$]{0,20}", after in "[^$]{0,20}") {
            prop_assert_eq!(replaced(&format!("{before}${{HOST}}{after}")), format!("{before}gong.example{after}"));
        }

        #[test]
        fn escaped_text_comes_back_as_it_was(text in "([$]|[{]|[}]|[a-z]){0,30}") {
            // A `$` right before an escape would be read as part of it.
            prop_assume!(!text.contains("$${"));
            let escaped = text.replace("${", "$${");
            prop_assert_eq!(replace(&escaped).unwrap().unwrap_or(escaped), text);
        }
    }
}
