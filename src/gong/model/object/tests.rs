//! What is taken, what stays, and that it is all of what was sent.

use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

fn object(raw: &str) -> Object<'_> {
    Object::parse(raw).unwrap()
}

fn rest(object: Object<'_>) -> (Option<String>, Drift) {
    let mut drift = Drift::default();
    let rest = object.finish("calls", &mut drift);
    (rest, drift)
}

#[test]
fn what_is_taken_is_gone_and_the_rest_stays_as_sent() {
    let mut o = object("{ \"new\" : [1.50, \"a b\"] , \"title\": \"Kick-off\",\n\"wide\\u0020key\":{ } }");
    assert_eq!(o.text("title").as_deref(), Some("Kick-off"));
    assert_eq!(o.text("absent"), None);
    let (rest, drift) = rest(o);
    assert_eq!(rest.as_deref(), Some(r#"{"new":[1.50,"a b"],"wide\u0020key":{}}"#));
    assert_eq!(drift.unknown_fields.keys().collect::<Vec<_>>(), ["calls.new", "calls.wide key"]);
    assert!(drift.unexpected_types.is_empty());
}

#[test]
fn null_is_no_value_and_empty_is_one() {
    let mut o = object(r#"{"a": null, "b": "", "c": [], "d": null}"#);
    assert_eq!(o.text("a"), None);
    assert_eq!(o.text("b").as_deref(), Some(""));
    assert_eq!(o.list_json("c").as_deref(), Some("[]"));
    // An unknown null is still something that Gong said.
    assert_eq!(rest(o).0.as_deref(), Some(r#"{"d":null}"#));
}

#[test]
fn an_unexpected_type_stays_and_is_counted_apart() {
    let raw = r#"{"t":5,"i":"5","d":"x","b":0,"at":"yesterday","l":{},"o":[],"id":1.5}"#;
    let mut o = object(raw);
    assert_eq!(o.text("t"), None);
    assert_eq!(o.int64("i"), None);
    assert_eq!(o.double("d"), None);
    assert_eq!(o.boolean("b"), None);
    assert_eq!(o.instant("at"), None);
    assert_eq!(o.list_json("l"), None);
    assert_eq!(o.object_json("o"), None);
    assert_eq!(o.id("id"), None);
    assert!(o.holds("id") && !o.holds("other"));
    let (rest, drift) = rest(o);
    assert_eq!(rest.as_deref(), Some(raw));
    assert!(drift.unknown_fields.is_empty());
    assert_eq!(drift.unexpected_types.len(), 8);
    assert_eq!(drift.unexpected_types["calls.at"], 1);
}

#[test]
fn whole_numbers_may_come_as_text() {
    let mut o = object(r#"{"a": "1", "b": 5, "c": "-1", "d": "5.5", "e": "", "f": null, "g": ["1"]}"#);
    let taken = ["a", "b", "c", "d", "e", "f", "g"].map(|name| o.int64_or_text(name));
    assert_eq!(taken, [Some(1), Some(5), Some(-1), None, None, None, None]);
    assert_eq!(rest(o).0.as_deref(), Some(r#"{"d":"5.5","e":"","g":["1"]}"#));
}

#[test]
fn a_record_is_of_no_use_without_its_id() {
    let (id, o) = Object::with_id(r#"{"userId": 18446744073709551616, "a": 1}"#, "the user", "userId").unwrap();
    assert_eq!((id.as_ref(), rest(o).0.as_deref()), ("18446744073709551616", Some(r#"{"a":1}"#)));
    for raw in [r#"{"userId": ""}"#, r#"{"userId": null}"#, r#"{"userId": {}}"#, "{}"] {
        let rejected = Object::with_id(raw, "the user", "userId").unwrap_err();
        assert_eq!(rejected.reason, "the user has no usable userId", "{raw}");
    }
    assert_eq!(Object::with_id("[]", "the user", "userId").unwrap_err().reason, "the user is not an object");
}

#[test]
fn the_last_of_equal_names_is_read_and_the_first_is_not_lost() {
    let mut o = object(r#"{"title": "old", "titl\u0065": "new"}"#);
    assert_eq!(o.text("title").as_deref(), Some("new"));
    assert_eq!(rest(o).0.as_deref(), Some(r#"{"title":"old"}"#));
}

#[test]
fn objects_and_lists_inside_leave_their_rest_at_its_place() {
    let mut o = object(r#"{"a": {"x": 1, "new": 2}, "list": [{"x": 1}, 7, null, {"x": "?", "y": 3}], "z": 0}"#);
    assert_eq!(o.object("a", |a| a.int64("x")), Some(Some(1)));
    assert_eq!(o.list("list", |e| e.int64("x")), Some(vec![Some(1), None, None, None]));
    let (left, drift) = rest(o);
    assert_eq!(left.as_deref(), Some(r#"{"a":{"new":2},"list":[{},7,{},{"x":"?","y":3}],"z":0}"#));
    assert_eq!(drift.unknown_fields.keys().collect::<Vec<_>>(), ["calls.a.new", "calls.list.y", "calls.z"]);
    assert_eq!(drift.unexpected_types.keys().collect::<Vec<_>>(), ["calls.list", "calls.list.x"]);

    let mut o = object(r#"{"a": {"x": 1}, "list": [{"x": 1}], "none": {}}"#);
    o.object("a", |a| a.int64("x"));
    o.list("list", |e| e.int64("x"));
    o.object("none", |_| ());
    assert_eq!(rest(o).0, None);

    let mut o = object(r#"{"a": [], "list": {}}"#);
    assert_eq!(o.object("a", |_| ()), None);
    assert_eq!(o.list("list", |_| ()), None);
    assert_eq!(rest(o).0.as_deref(), Some(r#"{"a":[],"list":{}}"#));
}

#[test]
fn a_value_of_any_type_is_taken_as_text_with_its_type() {
    let mut taken = object(r#"{"a": "x\ud83d", "b": [ 1, 2 ], "c": {"k": "v w"}, "d": false, "e": -1.50, "f": null}"#);
    let mut any = |name| taken.any(name).map(|value| (value.json_type, value.text.map(String::from)));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(any("a"), Some(("string", text("x\u{fffd}"))));
    assert_eq!(any("b"), Some(("array", text("[1,2]"))));
    assert_eq!(any("c"), Some(("object", text(r#"{"k":"v w"}"#))));
    assert_eq!(any("d"), Some(("boolean", text("false"))));
    assert_eq!(any("e"), Some(("number", text("-1.50"))));
    assert_eq!(any("f"), Some(("null", None)));
    assert_eq!((any("f"), any("g")), (None, None));
    let (rest, drift) = rest(taken);
    assert_eq!((rest, drift.replaced_characters), (None, 1));
}

#[test]
fn an_id_of_no_use_stays_in_the_rest() {
    let mut taken = object(r#"{"a": 7, "b": "7"}"#);
    assert_eq!(taken.id_if("a", |id| id == "7").as_deref(), Some("7"));
    assert_eq!(taken.id_if("b", |_| false), None);
    let (rest, drift) = rest(taken);
    assert_eq!(rest.as_deref(), Some(r#"{"b":"7"}"#));
    assert_eq!(drift.unexpected_types.len(), 1);
}

#[test]
fn broken_text_is_replaced_in_values_and_kept_in_the_rest() {
    let mut o = object(r#"{"title": "a\ud83d", "k\udc00": "b\ud83d", "in": {"name": "\ude00"}}"#);
    assert_eq!(o.text("title").as_deref(), Some("a\u{fffd}"));
    assert_eq!(o.object("in", |i| i.text("name")).flatten().as_deref(), Some("\u{fffd}"));
    let (rest, drift) = rest(o);
    assert_eq!(rest.as_deref(), Some(r#"{"k\udc00":"b\ud83d"}"#));
    assert_eq!(drift.replaced_characters, 2);
}

#[test]
fn deep_nesting_does_no_harm() {
    let deep = format!("{{\"new\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(rest(object(&deep)).0.unwrap(), deep);
}

#[test]
fn only_objects_are_objects() {
    for raw in ["", "null", "[]", "\"{}\"", "{} {}", "{\"a\":}", "{a:1}"] {
        assert!(Object::parse(raw).is_none(), "{raw}");
    }
}

/// Takes one field in the way that `kind` says, as JSON again.
fn take(object: &mut Object<'_>, name: &str, kind: u8) -> Option<Json> {
    match kind {
        0 => object.text(name).map(|v| json!(v)),
        1 => object.id(name).map(|v| json!(v)),
        2 => object.int64(name).map(|v| json!(v)),
        3 => object.double(name).map(|v| json!(v)),
        4 => object.boolean(name).map(|v| json!(v)),
        5 => object.raw(name).map(|v| serde_json::from_str(v).unwrap()),
        6 => object.list_json(name).map(|v| serde_json::from_str(&v).unwrap()),
        _ => object.object_json(name).map(|v| serde_json::from_str(&v).unwrap()),
    }
}

fn is_same(taken: &Json, sent: &Json, kind: u8) -> bool {
    match kind {
        1 => taken.as_str() == Some(&sent.as_str().map_or_else(|| sent.to_string(), str::to_owned)),
        2 | 3 => taken.as_f64() == sent.to_string().parse().ok(),
        _ => taken == sent,
    }
}

pub(in super::super) fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        (-4i32..4).prop_map(|quarters| Json::from(f64::from(quarters) / 4.0)),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-c \"\\\\é]{0,3}", inner, 0..4).prop_map(Json::from_iter),
        ]
    })
}

proptest! {
    /// Every field is in exactly one of the two: what was taken, and the rest.
    #[test]
    fn nothing_is_lost(
        fields in prop::collection::btree_map(any::<String>(), (any_json(), 0u8..10), 0..6),
        pretty: bool,
    ) {
        let sent: Map<String, Json> = fields.iter().map(|(name, (value, _))| (name.clone(), value.clone())).collect();
        let raw = if pretty { serde_json::to_string_pretty(&sent) } else { serde_json::to_string(&sent) }.unwrap();
        let mut object = object(&raw);
        let mut left = sent;
        let mut unexpected = 0;
        for (name, (value, kind)) in &fields {
            // Some fields are left to be unknown.
            if *kind > 7 {
                continue;
            }
            match take(&mut object, name, *kind) {
                Some(taken) => {
                    prop_assert!(is_same(&taken, value, *kind), "{} was taken as {}", value, taken);
                    left.remove(name);
                }
                None if value.is_null() => drop(left.remove(name)),
                None => unexpected += 1,
            }
        }
        let (rest, drift) = rest(object);
        prop_assert_eq!(drift.unexpected_types.values().sum::<u64>(), unexpected);
        prop_assert_eq!(drift.unknown_fields.values().sum::<u64>(), left.len() as u64 - unexpected);
        let rest = rest.map_or_else(|| json!({}), |rest| serde_json::from_str(&rest).unwrap());
        prop_assert_eq!(rest, Json::Object(left));
    }
}
