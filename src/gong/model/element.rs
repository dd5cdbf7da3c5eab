//! One element of a list of records, and what of it no column holds.
//!
//! For those who make rows of a list: every element has its place, also one that is no object. Lists
//! inside of a record that is decoded whole are read by [`Object::list`].

use super::object::{self, Object};
use super::{Drift, value};

/// An object of a list, or whatever Gong sent in its place.
#[derive(Debug, Default)]
pub struct Element<'a> {
    /// What values are taken from; without fields when the element is no object.
    pub object: Object<'a>,
    /// What came in place of an object. A null is nothing.
    foreign: Option<&'a str>,
}

impl<'a> Element<'a> {
    pub(super) fn read(raw: &'a str) -> Self {
        match Object::parse(raw) {
            Some(object) => Self { object, foreign: None },
            None => Self { object: Object::default(), foreign: (raw != "null").then_some(raw) },
        }
    }

    /// The elements of a list, in order. What is no list counts as the only element of one, so that it
    /// gets a row that keeps it; `{}` and null are an empty list.
    pub fn list(raw: Option<&'a str>, path: &str, drift: &mut Drift) -> Vec<Self> {
        let Some(raw) = raw else { return Vec::new() };
        if let Some(elements) = object::elements(raw) {
            return elements.into_iter().map(Self::read).collect();
        }
        let only = Self::read(raw);
        if only.is_empty() {
            return Vec::new();
        }
        // What is no object either is counted when it is finished.
        if !only.is_foreign() {
            drift.unexpected_type(path);
        }
        vec![only]
    }

    /// Whether something else came in place of an object.
    pub fn is_foreign(&self) -> bool {
        self.foreign.is_some()
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        !self.is_foreign() && self.object.is_empty()
    }

    /// Counts what is left under `path`, without positions, and returns it as `extra_json`. What is no
    /// object stands in it as `name`.
    pub fn finish(self, name: &str, path: &str, drift: &mut Drift) -> Option<String> {
        match self.foreign {
            Some(_) => self.finish_inside(None, name, path, drift),
            None => self.object.finish(path, drift),
        }
    }

    /// The same for an element of the list `name` in a record of which `outer` is left, which the row of
    /// every element repeats: `{"outer":1,"name":{"rest":2}}`.
    pub fn finish_inside(self, outer: Option<&str>, name: &str, path: &str, drift: &mut Drift) -> Option<String> {
        let rest = match self.foreign {
            Some(raw) => {
                drift.unexpected_type(path);
                Some(value::compact(raw))
            }
            None => self.object.finish(path, drift).map(Into::into),
        };
        object::joined(outer, name, rest.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rests(raw: &str) -> (Vec<Option<String>>, Drift) {
        let mut drift = Drift::default();
        let elements = Element::list(Some(raw), "calls.parts", &mut drift);
        let rests = elements.into_iter().map(|mut element| {
            element.object.text("known");
            element.finish("part", "calls.parts", &mut drift)
        });
        (rests.collect(), drift)
    }

    #[test]
    fn every_element_has_its_place() {
        let (rests, drift) = rests(r#"[{"known": "a"}, null, [ 7 ], {"known": 7, "new": { "a": 1 }}]"#);
        assert_eq!(
            rests,
            [None, None, Some(r#"{"part":[7]}"#.to_owned()), Some(r#"{"known":7,"new":{"a":1}}"#.to_owned())]
        );
        assert_eq!(drift.unknown_fields.keys().collect::<Vec<_>>(), ["calls.parts.new"]);
        assert_eq!(drift.unexpected_types.keys().collect::<Vec<_>>(), ["calls.parts", "calls.parts.known"]);
    }

    #[test]
    fn what_is_no_list_is_the_only_element_of_one() {
        for (raw, rest) in [(r#"{"known": "a"}"#, None), (r#""x""#, Some(r#"{"part":"x"}"#.to_owned()))] {
            let (rests, drift) = rests(raw);
            assert_eq!(rests, [rest], "{raw}");
            assert_eq!(drift.unexpected_types["calls.parts"], 1, "{raw}");
        }
    }

    #[test]
    fn empty_is_empty() {
        for raw in ["[]", "[ ]", "{}", "{ }", "null"] {
            let (rests, drift) = rests(raw);
            assert!(drift.is_empty(), "{raw}");
            assert!(rests.is_empty(), "{raw}");
        }
        assert!(Element::list(None, "calls.parts", &mut Drift::default()).is_empty());
    }

    #[test]
    fn what_is_inside_stands_under_its_lists_name() {
        let inside = |raw, outer| Element::read(raw).finish_inside(outer, "items", "calls", &mut Drift::default());
        assert_eq!(inside("{}", None), None);
        assert_eq!(inside("{}", Some(r#"{"a":1}"#)).unwrap(), r#"{"a":1}"#);
        assert_eq!(inside(r#"{"b": 2}"#, None).unwrap(), r#"{"items":{"b":2}}"#);
        assert_eq!(inside(r#"{"b": 2}"#, Some(r#"{"a":1}"#)).unwrap(), r#"{"a":1,"items":{"b":2}}"#);
        assert_eq!(inside("7", Some(r#"{"a":1}"#)).unwrap(), r#"{"a":1,"items":7}"#);
    }
}
