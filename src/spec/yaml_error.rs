//! What the YAML parser finds, in the words of people who do not know its grammar.

use granit_parser::{ErrorKind, ScanError};

use super::problem::{Position, Problem};

/// The usual slips have words of their own; for the others the parser speaks. Its texts name single
/// characters at most, never values.
pub(super) fn problem(error: &ScanError, position: Position) -> Problem {
    let (message, remedy) = match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => ("a tab stands where YAML allows spaces only", "indent with spaces"),
        ErrorKind::MappingValueNotAllowed => (
            "a second `:` in one value, or a key that is indented too far",
            "put quotes around a value that holds `: `, or line the key up with its neighbours",
        ),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            ("the indentation fits no line above", "line the key up with its neighbours")
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "a line without `: `, or a text that goes on without quotes",
            "write `key: value`, with a space after the colon",
        ),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => {
            ("a quoted text goes on here", "close the quote that was opened above")
        }
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::InvalidFlowScalarIndent => (
            "a list or mapping in brackets goes on here",
            "close the bracket that was opened above, or put a comma between its items",
        ),
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            ("a closing bracket fits no opening one", "close `[` with `]` and `{` with `}`")
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            ("an unknown escape in double quotes", "write `\\\\` for a backslash, or use single quotes")
        }
        _ => {
            let message = format!("not readable as YAML: {}", error.info());
            return Problem::at(position, message, "look here and at the lines above for a slip of the pen");
        }
    };
    Problem::at(position, message, remedy)
}
