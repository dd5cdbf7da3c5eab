//! A small JSON writer for the big answers: calls and transcripts are written straight into one
//! buffer, since a tree of values for a page of a million characters would cost more than the page.
//! Small answers use `serde_json::json!`.

use std::fmt::{Display, Write};

/// Text under construction. Commas are put where the previous character says one is due, so the
/// caller only names keys and values, in order.
#[derive(Debug)]
pub(crate) struct Json {
    text: String,
}

impl Json {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    fn separate(&mut self) {
        // A text always ends in a quotation mark, so an opening bracket can only be structure.
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
    }

    pub(crate) fn open_object(&mut self) {
        self.separate();
        self.text.push('{');
    }

    pub(crate) fn close_object(&mut self) {
        self.text.push('}');
    }

    pub(crate) fn open_array(&mut self) {
        self.separate();
        self.text.push('[');
    }

    pub(crate) fn close_array(&mut self) {
        self.text.push(']');
    }

    /// A key, which must need no escaping.
    pub(crate) fn key(&mut self, key: &str) {
        self.separate();
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\":");
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.separate();
        self.text.push('"');
        let mut copied = 0;
        for (at, byte) in value.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.text.push_str(&value[copied..at]);
            copied = at + 1;
            match byte {
                b'"' => self.text.push_str("\\\""),
                b'\\' => self.text.push_str("\\\\"),
                b'\n' => self.text.push_str("\\n"),
                _ => self.formatted(format_args!("\\u{byte:04x}")),
            }
        }
        self.text.push_str(&value[copied..]);
        self.text.push('"');
    }

    fn formatted(&mut self, arguments: std::fmt::Arguments<'_>) {
        self.text.write_fmt(arguments).expect("writing to a string cannot fail");
    }

    /// A whole number, or a text that is already JSON.
    pub(crate) fn raw(&mut self, value: impl Display) {
        self.separate();
        self.formatted(format_args!("{value}"));
    }

    /// A fraction; written with a decimal point even when whole, as Gong's doubles are.
    pub(crate) fn double(&mut self, value: f64) {
        self.separate();
        self.formatted(format_args!("{value:?}"));
    }

    pub(crate) fn null(&mut self) {
        self.raw("null");
    }

    pub(crate) fn optional_text(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    // Fields of the current object.

    pub(crate) fn text_field(&mut self, key: &str, value: &str) {
        self.key(key);
        self.text(value);
    }

    pub(crate) fn optional_field(&mut self, key: &str, value: Option<&str>) {
        self.key(key);
        self.optional_text(value);
    }

    /// An id or anything else whose text needs no escaping, in quotation marks.
    pub(crate) fn id_field(&mut self, key: &str, value: impl Display) {
        self.key(key);
        self.formatted(format_args!("\"{value}\""));
    }

    pub(crate) fn raw_field(&mut self, key: &str, value: impl Display) {
        self.key(key);
        self.raw(value);
    }

    pub(crate) fn double_field(&mut self, key: &str, value: f64) {
        self.key(key);
        self.double(value);
    }

    pub(crate) fn null_field(&mut self, key: &str) {
        self.key(key);
        self.null();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back(texts: Vec<String>, number: i64, fraction in -1e9f64..1e9) {
            let mut json = Json::with_capacity(0);
            json.open_object();
            json.key("texts");
            json.open_array();
            for text in &texts {
                json.text(text);
            }
            json.close_array();
            json.raw_field("number", number);
            json.double_field("fraction", fraction);
            json.optional_field("nothing", None);
            json.open_array_field();
            json.close_array();
            json.close_object();
            let text = String::from_utf8(json.into_bytes()).unwrap();
            // Compared as text, because serde_json reads fractions to the last bit but one.
            let written = format!("\"fraction\":{fraction:?},");
            prop_assert!(text.contains(&written));
            let value: serde_json::Value = serde_json::from_str(&text.replace(&written, "")).unwrap();
            prop_assert_eq!(value, serde_json::json!({
                "texts": texts, "number": number, "nothing": null, "empty": [],
            }));
        }
    }

    impl Json {
        fn open_array_field(&mut self) {
            self.key("empty");
            self.open_array();
        }
    }
}
