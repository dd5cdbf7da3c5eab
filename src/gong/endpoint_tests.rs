//! Tests of [`endpoint`](super).

use super::*;

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.json().unwrap()).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn filter(hosts: &[&str], workspace: Option<&str>) -> CallFilter {
    let range = DateRange::new("2026-03-01T05:00:00Z".parse().unwrap(), "2026-04-01T04:00:00.250Z".parse().unwrap());
    CallFilter {
        range: range.unwrap(),
        hosts: hosts.iter().map(ToString::to_string).collect(),
        workspace: workspace.map(str::to_owned),
    }
}

#[test]
fn calls_are_asked_for_by_time_host_and_workspace() {
    let request = Request::calls_extensive(&filter(&["7"], Some("9")), &BTreeSet::new());
    assert_eq!(
        body(&request),
        json!({"filter": {"fromDateTime": "2026-03-01T05:00:00Z", "toDateTime": "2026-04-01T04:00:00.250Z",
                          "primaryUserIds": ["7"], "workspaceId": "9"}})
    );
    assert_eq!((request.label(), request.scope()), ("POST /v2/calls/extensive", "api:calls:read:extensive"));
}

#[test]
fn empty_lists_are_never_sent() {
    let calls = body(&Request::calls_extensive(&filter(&[], None), &BTreeSet::new()));
    assert_eq!(calls["filter"].get("primaryUserIds"), None);
    let activity = body(&Request::activity(day("2026-03-01"), day("2026-03-02"), &[]));
    assert_eq!(activity, json!({"filter": {"fromDate": "2026-03-01", "toDate": "2026-03-02"}}));
}

#[test]
#[should_panic(expected = "asked for 0 calls")]
fn no_ids_at_all_are_a_mistake_of_the_caller() {
    Request::transcripts(&[], None);
}

#[test]
fn blocks_become_the_content_selector() {
    let blocks = [Block::Parties, Block::Brief, Block::Speakers, Block::InteractionStats, Block::Comments];
    let request = Request::calls_by_id(&["4".to_owned()], &blocks.into());
    assert_eq!(
        body(&request),
        json!({"filter": {"callIds": ["4"]}, "contentSelector": {"exposedFields": {
            "parties": true, "content": {"brief": true},
            "interaction": {"speakers": true, "personInteractionStats": true},
            "collaboration": {"publicComments": true}}}})
    );
    assert_eq!(
        content_selector(&[Block::Context].into()),
        json!({"context": "Extended", "contextTiming": ["Now", "TimeOfCall"]})
    );
    assert_eq!(
        content_selector(&[Block::TrackerOccurrences].into()),
        json!({"exposedFields": {"content": {"trackers": true, "trackerOccurrences": true}}})
    );
}

#[test]
fn a_cursor_is_added_at_the_top_and_changes_nothing_else() {
    let first = Request::transcripts(&["1".to_owned(), "2".to_owned()], Some("9"));
    let second = first.at(Cursor::new("MARKER"));
    let mut expected = body(&first);
    expected["cursor"] = "MARKER".into();
    assert_eq!(body(&second), expected);
    assert_eq!(Request::users().at(Cursor::new("MARKER")).json(), None);
    assert!(!format!("{second:?}").contains("MARKER"));
}

#[test]
fn only_the_wording_of_nothing_found_is_empty() {
    let is_empty = |request: &Request, text: &str| request.is_empty_answer(&[text.to_owned()]);
    let calls = Request::calls_extensive(&filter(&[], None), &BTreeSet::new());
    assert!(is_empty(&calls, "No calls found corresponding to the provided filters"));
    assert!(is_empty(&calls, "no ANSWERED scorecards Found corresponding to the provided filters."));
    assert!(!is_empty(&calls, "Call ID 5120 was not found"));
    assert!(!is_empty(&calls, "The following userIds were not found: 1203"));
    assert!(!is_empty(&calls, "Not Found"));
    assert!(!calls.is_empty_answer(&[]));

    let asked = Request::activity(day("2026-03-01"), day("2026-03-02"), &["1203".to_owned()]);
    assert!(is_empty(&asked, "The following userIds were not found: 1203"));
    assert!(!is_empty(&asked, "The following userIds were not found: 77"));
    let all = Request::activity(day("2026-03-01"), day("2026-03-02"), &[]);
    assert!(!is_empty(&all, "The following userIds were not found: 1203"));
}
