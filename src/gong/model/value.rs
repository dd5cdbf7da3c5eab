//! How one JSON value, still the text that Gong sent, becomes a typed one. `None` always means: of
//! another type than asked for. The texts are valid JSON already (`RawValue` has checked them),
//! without white space around. Called by [`super::object`] only.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, FixedOffset};
use serde::Deserializer as _;
use serde::de::{Error, Visitor};

/// Whole numbers up to here have a float of their own.
const EXACT_FLOAT_MAX: f64 = 9_007_199_254_740_992.0; // 2^53

/// What JSON allows between the parts of a value.
const BLANKS: [char; 4] = [' ', '\n', '\t', '\r'];

/// A string. JSON can spell half a surrogate pair, which UTF-8 cannot hold: each becomes U+FFFD and
/// adds one to `replaced`.
pub(super) fn text<'a>(raw: &'a str, replaced: &mut u64) -> Option<Cow<'a, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { unescape(raw, replaced).map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// A string, or a whole number with its digits as they are: ids have up to 20 digits, more than a
/// float or a signed 64-bit integer can tell apart.
pub(super) fn id<'a>(raw: &'a str, replaced: &mut u64) -> Option<Cow<'a, str>> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Cow::Borrowed(raw));
    }
    text(raw, replaced)
}

/// A whole number, also one written as a float (`12.0`) as long as that is exact.
pub(super) fn int64(raw: &str) -> Option<i64> {
    if let Ok(number) = raw.parse() {
        return Some(number);
    }
    let number = double(raw)?;
    (number.fract() == 0.0 && number.abs() <= EXACT_FLOAT_MAX).then_some(number as i64)
}

/// Any number that a double can hold, to its precision.
pub(super) fn double(raw: &str) -> Option<f64> {
    // The standard parser also knows `inf` and `nan`, but JSON does not, so they never get here.
    raw.parse().ok().filter(|number: &f64| number.is_finite())
}

pub(super) fn boolean(raw: &str) -> Option<bool> {
    match raw {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// An ISO-8601 date-time with an offset or `Z` and any number of fractional digits, truncated to
/// microseconds. One without a zone is refused: it names no instant.
pub(super) fn date_time(raw: &str) -> Option<DateTime<FixedOffset>> {
    let text = text(raw, &mut 0)?;
    let exact = DateTime::parse_from_rfc3339(&text).ok()?;
    // By way of the timestamp, which also makes a leap second an ordinary instant.
    let truncated = DateTime::from_timestamp_micros(exact.timestamp_micros())?;
    Some(truncated.with_timezone(exact.offset()))
}

/// The same JSON without white space between its parts.
pub(super) fn compact(raw: &str) -> Cow<'_, str> {
    if !raw.contains(BLANKS) {
        return Cow::Borrowed(raw);
    }
    let mut compacted = String::with_capacity(raw.len());
    append_compact(raw, &mut compacted);
    Cow::Owned(compacted)
}

/// Appends the same JSON without white space between its parts; strings and numbers stay as sent.
pub(super) fn append_compact(raw: &str, to: &mut String) {
    let mut in_string = false;
    let mut escaped = false;
    for c in raw.chars() {
        if in_string || !BLANKS.contains(&c) {
            to.push(c);
        }
        if c == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = c == '\\' && !escaped;
    }
}

/// A JSON string with escapes, read as bytes since only so are halves of surrogate pairs let through.
fn unescape(raw: &str, replaced: &mut u64) -> Option<String> {
    let bytes = serde_json::Deserializer::from_str(raw).deserialize_bytes(BytesVisitor).ok()?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| replace_surrogates(error.as_bytes(), replaced)))
}

/// The bytes of a lone surrogate, were it a character: `ED`, then `A0` to `BF`, then one more.
const SURROGATE_BYTES: usize = 3;

/// The text with every lone surrogate replaced by one U+FFFD.
fn replace_surrogates(mut bytes: &[u8], replaced: &mut u64) -> String {
    let mut text = String::with_capacity(bytes.len());
    loop {
        match std::str::from_utf8(bytes) {
            Ok(rest) => {
                text.push_str(rest);
                return text;
            }
            Err(error) => {
                let (valid, broken) = bytes.split_at(error.valid_up_to());
                text.push_str(&String::from_utf8_lossy(valid));
                text.push(char::REPLACEMENT_CHARACTER);
                *replaced += 1;
                bytes = broken.get(SURROGATE_BYTES..).unwrap_or_default();
            }
        }
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str) -> Option<String> {
        date_time(&format!("\"{text}\"")).map(|t| t.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
    }

    #[test]
    fn date_times_of_every_precision_and_offset_become_utc_microseconds() {
        let utc = |text| instant(text).unwrap();
        assert_eq!(utc("2026-03-02T10:01:37-05:00"), "2026-03-02T15:01:37.000000Z");
        assert_eq!(utc("2026-03-02T10:01:37.2-05:00"), "2026-03-02T15:01:37.200000Z");
        assert_eq!(utc("2026-06-10T21:50:07.428+02:00"), "2026-06-10T19:50:07.428000Z");
        assert_eq!(utc("2026-06-10T21:50:07.428913+05:45"), "2026-06-10T16:05:07.428913Z");
        assert_eq!(utc("2026-06-10T21:50:07.999999999Z"), "2026-06-10T21:50:07.999999Z");
        // The hour that comes twice in New York: the offset tells which.
        assert_eq!(utc("2026-11-01T01:30:00-04:00"), "2026-11-01T05:30:00.000000Z");
        assert_eq!(utc("2026-11-01T01:30:00-05:00"), "2026-11-01T06:30:00.000000Z");
        // Before 1970 truncation is still towards the past, and a leap second is an instant.
        assert_eq!(utc("1969-12-31T23:59:59.9999999Z"), "1969-12-31T23:59:59.999999Z");
        assert_eq!(utc("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00.000000Z");
        assert_eq!(utc(r"2026-03-02T10:01:37\u002d05:00"), "2026-03-02T15:01:37.000000Z");
    }

    #[test]
    fn what_names_no_instant_is_refused() {
        for text in ["2026-03-02T10:01:37", "2026-03-02", "2026-02-30T10:00:00Z", "2019-01-21T000:00:00-08:00", "", "é"]
        {
            assert_eq!(instant(text), None, "{text}");
        }
        assert_eq!(date_time("1772445697"), None);
    }

    #[test]
    fn numbers_are_whole_or_not() {
        assert_eq!(int64("9223372036854775807"), Some(i64::MAX));
        assert_eq!(int64("9223372036854775808"), None);
        assert_eq!(int64("12.0"), Some(12));
        assert_eq!(int64("-0"), Some(0));
        assert_eq!(int64("1e3"), Some(1000));
        assert_eq!(int64("12.5"), None);
        assert_eq!(int64("1e300"), None);
        assert_eq!(int64("\"12\""), None);
        assert_eq!(double("640"), Some(640.0));
        assert_eq!(double("902.7"), Some(902.7));
        assert_eq!(double("1e999"), None);
        assert_eq!(double("true"), None);
    }

    #[test]
    fn ids_keep_every_digit() {
        let id = |raw| id(raw, &mut 0).map(Cow::into_owned);
        assert_eq!(id("\"00471\"").unwrap(), "00471");
        assert_eq!(id("9007199254740993").unwrap(), "9007199254740993");
        assert_eq!(id("18446744073709551615").unwrap(), "18446744073709551615");
        assert_eq!(id("99999999999999999999").unwrap(), "99999999999999999999");
        assert_eq!(id("-1").unwrap(), "-1");
        assert_eq!(id("1.5"), None);
        assert_eq!(id("1e3"), None);
        assert_eq!(id("[]"), None);
    }

    #[test]
    fn text_is_kept_and_only_lone_surrogates_are_replaced() {
        let text = |raw: &str| {
            let mut replaced = 0;
            (text(raw, &mut replaced).unwrap().into_owned(), replaced)
        };
        assert_eq!(text(r#""""#), (String::new(), 0));
        assert_eq!(text(r#""\u0000\ufeff\u2028\u202e""#), ("\0\u{feff}\u{2028}\u{202e}".to_owned(), 0));
        assert_eq!(text(r#""\ud83d\ude00 \"""#), ("😀 \"".to_owned(), 0));
        assert_eq!(text(r#""a\ud83d""#), ("a\u{fffd}".to_owned(), 1));
        assert_eq!(text(r#""\ude00é\n""#), ("\u{fffd}é\n".to_owned(), 1));
        assert_eq!(text(r#""\ud83d\ud83d\ude00\ude00""#), ("\u{fffd}😀\u{fffd}".to_owned(), 2));
    }

    #[test]
    fn compacting_spares_strings() {
        assert_eq!(compact(" "), "");
        assert_eq!(compact("[ 1.50 ,\t\"a  b \\\" c\" , {\n\"k \" : [ ] } ]"), r#"[1.50,"a  b \" c",{"k ":[]}]"#);
        assert_eq!(compact(r#"["\\", " "]"#), r#"["\\"," "]"#);
        assert!(matches!(compact(r#"["Invitee"]"#), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn text_equals_what_serde_reads(expected in any::<String>()) {
            let raw = serde_json::to_string(&expected).unwrap();
            let mut replaced = 0;
            prop_assert_eq!(text(&raw, &mut replaced).unwrap(), expected);
            prop_assert_eq!(replaced, 0);
        }

        #[test]
        fn compacting_equals_printing_compactly(strings in prop::collection::vec("[ \"\\\\\na-cé]{0,8}", 0..5)) {
            let value = serde_json::json!({ "a b": strings, "n": [1.5, null, true] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), value.to_string());
        }
    }
}
