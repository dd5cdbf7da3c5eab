//! Asks the handler as a client would. This file holds how to ask; its children hold what to expect.

mod calls;
mod refusals;
mod settings;
mod statistics;

use super::*;
use crate::sim::config::Config;

const NOW: &str = "2026-03-20T12:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn world(config: Config) -> World {
    World::new(config).unwrap()
}

fn get(path: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        ..Request::default()
    }
}

fn post(path: &str, body: &Value) -> Request {
    Request {
        method: "POST".to_owned(),
        body: body.to_string().into_bytes(),
        content_type: Some("application/json".to_owned()),
        ..get(path)
    }
}

fn ask_at(world: &World, now: &str, request: &Request) -> (u16, Value) {
    let reply = answer(world, at(now), 1, request);
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

fn ask(world: &World, request: &Request) -> (u16, Value) {
    ask_at(world, NOW, request)
}

fn refused(world: &World, request: &Request) -> (u16, String) {
    let (status, body) = ask(world, request);
    assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
    assert!(body["requestId"].as_str().is_some_and(|id| id.len() == 19), "{body}");
    (status, body["errors"][0].as_str().unwrap().to_owned())
}

/// All pages of a listing, whose pages obey the laws.
fn all_pages(world: &World, request: &Request, name: &str) -> Vec<Value> {
    let mut request = request.clone();
    let mut records = Vec::new();
    let mut total = None;
    for number in 0.. {
        let (status, page) = ask(world, &request);
        assert_eq!(status, 200, "{page}");
        let here = page[name].as_array().unwrap();
        let info = &page["records"];
        assert_eq!(info["currentPageNumber"], number);
        assert_eq!(info["currentPageSize"], here.len());
        assert_eq!(*total.get_or_insert_with(|| info["totalRecords"].clone()), info["totalRecords"]);
        records.extend(here.iter().cloned());
        let Some(cursor) = info.get("cursor") else { break };
        assert_eq!(here.len(), world.config.page_size as usize);
        if request.method == "POST" {
            let mut body: Value = serde_json::from_slice(&request.body).unwrap();
            body["cursor"] = cursor.clone();
            request.body = body.to_string().into_bytes();
        } else {
            request.query.retain(|(key, _)| key != "cursor");
            request.query.push(("cursor".to_owned(), cursor.as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(total, Some(json!(records.len())));
    records
}

fn window(from: &str, to: &str) -> Value {
    json!({ "filter": { "fromDateTime": from, "toDateTime": to } })
}

fn extensive(from: &str, to: &str) -> Request {
    post("/v2/calls/extensive", &window(from, to))
}

fn ids(calls: &[Value]) -> Vec<String> {
    calls.iter().map(|call| call["metaData"]["id"].as_str().unwrap().to_owned()).collect()
}
