//! How SQL spells names and texts. Everything that comes from a job or a path goes through here.

/// `--` comments, one a line. What would end one is replaced.
pub(super) fn comment(lines: &[String]) -> String {
    let plain = |line: &String| line.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'), " ");
    lines.iter().map(|line| format!("-- {}\n", plain(line).trim_end())).collect()
}

/// A text in single quotes, as the standard has it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text in single quotes, where a backslash begins an escape.
pub(super) fn escaped(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A text of at most so many characters.
pub(super) fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Lines of a list, indented, with commas between them.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().map(|item| format!("    {item}")).collect::<Vec<_>>().join(",\n")
}

/// Words that are reserved in at least one of the engines, of those that may come to be a column.
const RESERVED: &[&str] = &[
    "account",
    "all",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "at",
    "authorization",
    "between",
    "both",
    "by",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "connect",
    "connection",
    "constraint",
    "contains",
    "create",
    "cross",
    "cube",
    "current",
    "database",
    "date",
    "default",
    "deferrable",
    "define",
    "delete",
    "desc",
    "describe",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "enum",
    "escape",
    "except",
    "exclude",
    "exists",
    "extract",
    "false",
    "fetch",
    "following",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "function",
    "grant",
    "group",
    "grouping",
    "groups",
    "hash",
    "having",
    "if",
    "ignore",
    "ilike",
    "in",
    "increment",
    "initially",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "issue",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "lookup",
    "merge",
    "minus",
    "natural",
    "new",
    "no",
    "not",
    "null",
    "nulls",
    "of",
    "off",
    "offset",
    "old",
    "on",
    "only",
    "open",
    "or",
    "order",
    "organization",
    "outer",
    "over",
    "overlaps",
    "partition",
    "percent",
    "pivot",
    "placing",
    "preceding",
    "primary",
    "proto",
    "qualify",
    "range",
    "raw",
    "recursive",
    "references",
    "regexp",
    "respect",
    "returning",
    "revoke",
    "right",
    "rlike",
    "rollup",
    "row",
    "rows",
    "sample",
    "schema",
    "select",
    "set",
    "similar",
    "snapshot",
    "some",
    "start",
    "struct",
    "summarize",
    "symmetric",
    "table",
    "tablesample",
    "tag",
    "then",
    "time",
    "timestamp",
    "to",
    "top",
    "trailing",
    "treat",
    "trigger",
    "trim",
    "true",
    "try_cast",
    "unbounded",
    "union",
    "unique",
    "unnest",
    "unpivot",
    "update",
    "user",
    "using",
    "values",
    "variadic",
    "verbose",
    "view",
    "wallet",
    "when",
    "whenever",
    "where",
    "window",
    "with",
    "within",
    "without",
];

/// Whether a name can stand as it is in every dialect. Ours are made to be written without quotes,
/// which in Snowflake would be asked of users for ever.
fn is_plain(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    starts_well
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && RESERVED.binary_search(&name).is_err()
}

/// A name, in backticks if it needs them.
pub(super) fn backticked(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// A name, in double quotes if it needs them.
pub(super) fn ident(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_has_them() {
        assert_eq!(ident("call_id"), "call_id");
        assert_eq!(ident("order"), "\"order\"");
        assert_eq!(ident("a\"b"), "\"a\"\"b\"");
        assert!(RESERVED.is_sorted(), "it is searched by halves");
    }

    #[test]
    fn nothing_leaves_a_comment_or_a_text() {
        assert_eq!(comment(&["one\n; DROP TABLE x".to_owned()]), "-- one ; DROP TABLE x\n");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(escaped("it's \\"), "'it\\'s \\\\'");
        assert_eq!(backticked("or`der"), "`or``der`");
    }
}
