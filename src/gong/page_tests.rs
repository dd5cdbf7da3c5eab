//! Tests of [`page`](super).

use super::*;
use proptest::prelude::*;

fn page(body: &str) -> Page {
    Page::parse(body.as_bytes().to_vec(), "calls").unwrap()
}

fn bad(body: &str) -> BadPage {
    Page::parse(body.as_bytes().to_vec(), "calls").unwrap_err()
}

#[test]
fn records_and_counts_are_found_in_any_order_of_members() {
    let page = page(
        r#"{ "calls" : [ {"id":"1"} , {"id": "2", "calls": [3]} ], "later": {"new": [1, {}]},
            "records": {"totalRecords": 214, "currentPageSize": 2, "currentPageNumber": 1, "cursor": "c"},
            "timeZone": "US/Eastern", "requestId": "3k9" }"#,
    );
    assert_eq!(page.records().collect::<Vec<_>>(), [r#"{"id":"1"}"#, r#"{"id": "2", "calls": [3]}"#]);
    assert_eq!(page.record(1), r#"{"id": "2", "calls": [3]}"#);
    assert_eq!((page.announced(), page.number(), page.request_id()), (Some(214), Some(1), Some("3k9")));
    assert_eq!(page.cursor(), Some(&Cursor::new("c")));
    assert_eq!(page.text("timeZone").as_deref(), Some("US/Eastern"));
    assert_eq!(page.text("later"), None);
}

#[test]
fn absent_null_and_empty_mean_the_end() {
    for cursor in ["", r#","cursor":null"#, r#","cursor":"""#] {
        let page = page(&format!(r#"{{"records":{{"totalRecords":"7"{cursor}}},"calls":[1]}}"#));
        assert_eq!(page.cursor(), None);
        assert_eq!(page.announced(), Some(7));
    }
    assert_eq!(page(r#"{"calls":[]}"#).len(), 0);
    assert!(page(r#"{"records":{"totalRecords":0},"calls":null}"#).is_empty());
    assert!(page(r#"{"records":{"currentPageSize":0}}"#).is_empty());
}

#[test]
fn what_is_not_an_answer_is_told_apart() {
    assert_eq!(bad(" \n"), BadPage::Empty);
    assert_eq!(bad("<!doctype html><title>502</title>"), BadPage::Html);
    assert_eq!(bad(r#"{"calls":[{"id":"1"},{"id""#), BadPage::Cut { bytes: 26 });
    assert_eq!(bad(r#"{"calls":[]} trailing"#), BadPage::NotJson { line: 1, column: 14 });
    assert!(matches!(bad(r#"{"calls":{}}"#), BadPage::Shape { .. }));
    assert!(matches!(bad(r#"[]"#), BadPage::Shape { .. }));
    assert!(matches!(bad(r#"{"calls":[1],"calls":[2]}"#), BadPage::Shape { .. }));
    assert_eq!(bad("{}"), BadPage::NoRecords { array: "calls" });
    assert_eq!(bad(r#"{"records":{"currentPageSize":3}}"#), BadPage::NoRecords { array: "calls" });
    assert_eq!(bad(r#"{"calls":[],"records":{"cursor":7}}"#), BadPage::Cursor);
    let sorry = BadPage::ErrorInstead { message: "Internal\u{7} error".to_owned() };
    assert_eq!(bad(r#"{"requestId":"3k9","errors":["Internal\u0007 error"]}"#), sorry);
    assert_eq!(page(r#"{"calls":[1],"errors":["half"]}"#).len(), 1);
}

#[test]
fn a_broken_record_does_not_take_its_page_along() {
    let page = page(r#"{"calls":[{"id":"1"},{"title":"\ud800 alone"},{"id":1,"id":2}]}"#);
    assert_eq!(page.record(1), r#"{"title":"\ud800 alone"}"#);
    assert_eq!(page.len(), 3);
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_and_counted() {
    let body = b"\xef\xbb\xbf{\"calls\":[\"caf\xe9\",\"\xf0\x9f\x99\",\"\xe2\x80\xa8\"]}".to_vec();
    let page = Page::parse(body, "calls").unwrap();
    assert_eq!(page.records().collect::<Vec<_>>(), ["\"caf\u{fffd}\"", "\"\u{fffd}\"", "\"\u{2028}\""]);
    assert_eq!(page.replaced_characters(), 2);
}

#[test]
fn a_page_has_a_bound_on_its_records() {
    let body = format!(r#"{{"calls":[0{}]}}"#, ",0".repeat(RECORDS_MAX));
    assert!(matches!(bad(&body), BadPage::Shape { .. }));
}

#[test]
fn nothing_of_a_body_is_printed() {
    let text = r#"{"calls":["MARKER"],"records":{"cursor":"MARKER"},"title":"MARKER"}"#;
    assert!(!format!("{:?}", page(text)).contains("MARKER"));
    for body in [r#"{"calls":"MARKER"}"#, r#"{"MARKER":1}"#, r#"["MARKER"]"#, r#"{"calls":[] MARKER"#] {
        let error = bad(body);
        assert!(!format!("{error} {error:?}").contains("MARKER"), "{error:?}");
    }
}

/// JSON of some depth, as text.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        ".{0,8}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::vec((".{0,4}", inner), 0..4).prop_map(|members| {
                let members = members.iter().map(|(k, v)| format!("{}: {v}", serde_json::Value::from(k.as_str())));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn records_are_found_letter_by_letter(records in prop::collection::vec(json(), 0..8), other in json()) {
        let body = format!("{{\"other\":{other},\"calls\":[ {} ]}}", records.join(" ,\n"));
        let page = page(&body);
        prop_assert_eq!(page.records().collect::<Vec<_>>(), records);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Page::parse(bytes, "calls");
    }

    #[test]
    fn any_cut_is_noticed(records in prop::collection::vec(json(), 1..5), cut in any::<prop::sample::Index>()) {
        let body = format!("{{\"calls\":[{}],\"records\":{{\"totalRecords\":1}}}}", records.join(",")).into_bytes();
        prop_assert!(Page::parse(body[..cut.index(body.len())].to_vec(), "calls").is_err());
    }

    #[test]
    fn any_change_of_a_byte_is_survived(records in prop::collection::vec(json(), 1..5), at in any::<prop::sample::Index>(), byte: u8) {
        let mut body = format!("{{\"calls\":[{}],\"requestId\":\"3k9\"}}", records.join(",")).into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(page) = Page::parse(body, "calls") {
            prop_assert_eq!(page.records().count(), page.len());
        }
    }
}
