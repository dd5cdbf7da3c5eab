//! Long latency has the calls listed side by side, in windows that are cut while they are listed. Whatever
//! happens on the way, the files are those of a server that answers at once.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::{CALLS, undisturbed};
use crate::support::command::{NOW, Sandbox, job};
use crate::support::export::{Export, assert_same};
use crate::support::gateway::{Gateway, Trouble};
use crate::support::simulator::{Simulator, source};

/// A company whose answers take as long as makes five requests be under way at [`RATE`], with a gateway
/// before it; and what it has to say.
fn far_away(calls_per_day: u32, range: [&str; 2]) -> (Simulator, Gateway, Value, Export) {
    let company = |latency_ms: u64| {
        Simulator::start(json!({ "calls_per_day": calls_per_day, "sentences_per_call": 5, "latency_ms": latency_ms }))
    };
    let with_range = |source: &Value| {
        let mut job = job(source);
        job["range"] = json!({ "from": range[0], "to": range[1] });
        job
    };
    let near = company(0);
    let sandbox = Sandbox::new();
    sandbox.export_job(&with_range(&near.source())).expect(0);
    let expected = Export::read(&sandbox.export());

    let far = company(250);
    let gateway = Gateway::before(&far.url());
    let mut job = with_range(&source(&gateway.url()));
    job["source"]["requests_per_second"] = json!(RATE);
    (far, gateway, job, expected)
}

const RATE: u32 = 20;
const FOUR_WEEKS: [&str; 2] = ["2026-02-02", "2026-03-02"];
const ONE_DAY: [&str; 2] = ["2026-03-03", "2026-03-04"];

/// Where the listings began that were asked for.
fn begins(gateway: &Gateway) -> BTreeSet<String> {
    let of_calls = gateway.seen().into_iter().filter(|seen| seen.path == CALLS);
    of_calls.map(|seen| seen.body["filter"]["fromDateTime"].to_string()).collect()
}

/// Every record of every window was announced and came, and the windows are the range without a gap.
#[track_caller]
fn assert_counted(record: &Value, range: [&str; 2]) {
    let windows = record["windows"].as_array().unwrap();
    let calls: Vec<_> = windows.iter().filter(|window| window["fetch"] == "calls").collect();
    assert!(calls.iter().all(|window| window["announced"] == window["fetched"]), "{calls:#?}");
    assert_eq!(calls[0]["from"], format!("{}T00:00:00Z", range[0]));
    assert_eq!(calls[calls.len() - 1]["to"], format!("{}T00:00:00Z", range[1]));
    assert!(calls.windows(2).all(|two| two[0]["to"] == two[1]["from"]), "{calls:#?}");
    assert_eq!(record["warnings"], json!([]));
}

#[test]
fn windows_are_cut_between_days_and_counted() {
    let (_simulator, gateway, job, expected) = far_away(200, FOUR_WEEKS);
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job).expect(0).json();
    assert_same(&Export::read(&sandbox.export()), &expected);
    assert_counted(&record, FOUR_WEEKS);
    let begins = begins(&gateway);
    assert!(begins.len() >= 4 && begins.iter().all(|begin| begin.contains("T00:00:00")), "{begins:?}");
}

#[test]
fn a_crowded_day_is_cut_inside() {
    let (_simulator, gateway, job, expected) = far_away(3_000, ONE_DAY);
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job).expect(0).json();
    assert_same(&Export::read(&sandbox.export()), &expected);
    assert_counted(&record, ONE_DAY);
    assert!(begins(&gateway).len() >= 4, "{:?}", begins(&gateway));
}

#[test]
fn refused_cursors_cost_their_own_window_only() {
    let (_simulator, gateway, job, expected) = far_away(200, FOUR_WEEKS);
    for after in [3, 9, 15] {
        let spoil = Trouble::Alter(|answer| {
            if let Some(cursor) = answer["records"].get_mut("cursor") {
                *cursor = json!("no cursor of this server");
            }
        });
        gateway.trouble(CALLS, after, 1, spoil);
    }
    let sandbox = Sandbox::new();
    let finished = sandbox.export_job(&job).expect(0);
    assert_same(&Export::read(&sandbox.export()), &expected);
    assert!(finished.stderr.contains("begun anew"), "{finished}");
}

/// Calls that come at the end of whatever is listed, wherever they belong: their ids, and what was seen of them.
static STRAYS: Mutex<Vec<(String, Value)>> = Mutex::new(Vec::new());

/// Takes the stray calls out of their places, and puts them on the last page.
fn misplace(answer: &mut Value) {
    let is_last = answer["records"]["cursor"].is_null();
    let calls = answer["calls"].as_array_mut().unwrap();
    for (id, call) in STRAYS.lock().unwrap().iter_mut() {
        if let Some(place) = calls.iter().position(|call| call["metaData"]["id"] == **id) {
            *call = calls.remove(place);
        }
        if is_last && call.is_object() {
            calls.push(call.clone());
        }
    }
}

#[test]
fn a_call_out_of_order_is_missed_before_a_cut_and_fetched() {
    // One after the other, since all see the same stray calls. Some are in different windows.
    for (calls_per_day, range) in [(200, FOUR_WEEKS), (3_000, ONE_DAY)] {
        let (_simulator, gateway, job, expected) = far_away(calls_per_day, range);
        let mut calls = expected.rows("calls");
        calls.sort_by_key(|row| row["call_started_at"].to_string());
        let strays = [20, 5, 3].map(|part| calls[calls.len() / part]["call_id"].as_str().unwrap().to_owned());
        *STRAYS.lock().unwrap() = strays.map(|id| (id, Value::Null)).into();
        gateway.trouble(CALLS, 0, usize::MAX, Trouble::Alter(misplace));
        let sandbox = Sandbox::new();
        let finished = sandbox.export_job_at(&job, NOW, &["-v"]).expect(0);
        assert_same(&Export::read(&sandbox.export()), &expected);
        assert!(finished.stderr.contains("missing before a cut"), "{finished}");
    }
}

#[test]
fn a_listing_in_no_order_at_all_is_sorted() {
    let (simulator, _, _, _) = far_away(20, FOUR_WEEKS);
    let gateway = Gateway::before(&simulator.url());
    gateway.trouble(CALLS, 0, usize::MAX, Trouble::Alter(|answer| answer["calls"].as_array_mut().unwrap().reverse()));
    let sandbox = Sandbox::new();
    sandbox.export_job(&job(&source(&gateway.url()))).expect(0);
    assert_same(&Export::read(&sandbox.export()), &undisturbed(&simulator));
}
