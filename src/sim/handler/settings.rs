//! `/v2/settings/scorecards`, `/v2/settings/trackers`, `/v2/call-outcomes`, `/v2/library/…` and
//! `/v2/calls/users-access`: small answers without pages.

use serde_json::{Value, json};

use super::filter::{ids, workspace_number};
use super::{Asked, Refusal, Reply};
use crate::sim::ids::Kind;
use crate::sim::world::analysis::{OUTCOMES, TRACKERS};
use crate::sim::world::library::{FOLDERS, Folder};
use crate::sim::world::reviews::{QuestionKind, SCORECARDS};

/// Settings were made when the account was, and changed some weeks later.
fn created(asked: &Asked<'_>, weeks: u64) -> String {
    let day = asked.world.config.first_day + chrono::Days::new(7 * weeks);
    let instant = crate::calendar::start_of_day(day, asked.world.zone) + chrono::TimeDelta::hours(10);
    asked.local(instant.timestamp_micros(), 0)
}

pub(super) fn scorecards(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let world = asked.world;
    let scorecards = SCORECARDS.iter().enumerate().map(|(number, scorecard)| {
        let number = number as u32;
        let updater = if scorecard.is_built_in { "-1".to_owned() } else { world.user_id(0).to_string() };
        let questions = scorecard.questions.iter().enumerate().map(|(place, question)| {
            let place = place as u32;
            let (kind, range) = match question.kind {
                QuestionKind::Range => ("RANGE", Some(("1", "5"))),
                QuestionKind::Boolean => ("BOOLEAN", None),
                QuestionKind::Open => ("OPEN", None),
            };
            json!({
                "questionId": world.ids.of(Kind::Question, 0, number, place).to_string(),
                "questionRevisionId": world.ids.of(Kind::QuestionRevision, 0, number, place).to_string(),
                "questionText": question.text, "questionType": kind, "isOverall": question.is_overall,
                "answerGuide": question.is_overall.then_some("<p>5 means: show it to everybody.</p>"),
                "minRange": range.map(|(low, _)| low), "maxRange": range.map(|(_, high)| high), "answerOptions": [],
                "created": created(asked, 1), "updated": created(asked, 3), "updaterUserId": updater,
            })
        });
        json!({
            "scorecardId": world.ids.of(Kind::Scorecard, 0, number, 0).to_string(), "scorecardName": scorecard.name,
            "workspaceId": world.workspace_id(0).to_string(), "enabled": scorecard.enabled, "updaterUserId": updater,
            "created": created(asked, 1), "updated": created(asked, 3),
            "reviewMethod": if scorecard.is_built_in { "MANUAL" } else { "AUTOMATIC" },
            "questions": questions.collect::<Vec<Value>>(),
        })
    });
    Ok(asked.small(json!({ "scorecards": scorecards.collect::<Vec<Value>>() })))
}

pub(super) fn trackers(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let world = asked.world;
    let wanted = match asked.request.query("workspaceId") {
        None => None,
        Some(id) => match workspace_number(world, id) {
            None => return Err(Refusal::new(404, "Workspace was not found")),
            number => number,
        },
    };
    let mut trackers = Vec::new();
    for (number, tracker) in TRACKERS.iter().enumerate().filter(|_| wanted.is_none_or(|workspace| workspace == 0)) {
        // Smart trackers are not listed here.
        if tracker.phrases.is_empty() {
            continue;
        }
        let is_built_in = number == 1;
        let author = (!is_built_in).then(|| world.user_id(0).to_string());
        trackers.push(json!({
            "trackerId": world.ids.of(Kind::Tracker, 0, number as u32, 0).to_string(), "trackerName": tracker.name,
            "workspaceId": world.workspace_id(0).to_string(),
            "languageKeywords": [{ "language": "mul", "keywords": tracker.phrases, "includeRelatedForms": true }],
            "affiliation": tracker.affiliation, "partOfQuestion": false, "saidAt": "Anytime",
            "saidAtInterval": null, "saidAtUnit": null, "saidInTopics": [], "filterQuery": "{\"type\":\"And\",\"filters\":[]}",
            "created": created(asked, 0), "creatorUserId": author, "updated": created(asked, 2), "updaterUserId": author,
        }));
    }
    Ok(asked.small(json!({ "keywordTrackers": trackers })))
}

pub(super) fn call_outcomes(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let mut outcomes: Vec<Value> = Vec::new();
    for (order, outcome) in OUTCOMES.iter().enumerate() {
        outcomes.push(json!({
            "callOutcome": outcome.name, "displayOrder": order, "sentiment": outcome.sentiment,
            "connectStatus": if outcome.connected { "CONNECTED" } else { "NOT_CONNECTED" },
            "category": if outcome.connected { "ANSWERED" } else { "NOT_ANSWERED" },
            "todoAction": if outcome.connected { "COMPLETE_AND_REMOVE" } else { "COMPLETE" },
            "automation": (outcome.id == "NOT_INTERESTED").then_some("MARK_AS_OPT_OUT"),
        }));
    }
    // The original's order changes from one request to the next.
    let turn = (asked.serial % outcomes.len() as u64) as usize;
    outcomes.rotate_left(turn);
    Ok(asked.small(json!({ "outcomes": outcomes })))
}

/// Who created a folder; the first one came with the account.
fn folder_author(asked: &Asked<'_>, number: usize) -> Option<String> {
    (number > 0).then(|| asked.world.user_id(0).to_string())
}

fn folder_id(asked: &Asked<'_>, number: usize) -> String {
    asked.world.ids.of(Kind::Folder, 0, number as u32, 0).to_string()
}

pub(super) fn folders(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let Some(workspace) = asked.request.query("workspaceId") else {
        return Err(Refusal::invalid("workspaceId: must not be null"));
    };
    let workspace = workspace_number(asked.world, workspace);
    let of_workspace = |(_, folder): &(usize, &Folder)| Some(folder.workspace) == workspace;
    let folders = FOLDERS.iter().enumerate().filter(of_workspace).map(|(number, folder)| {
        json!({
            "id": folder_id(asked, number), "name": folder.name,
            "parentFolderId": folder.parent.map(|parent| folder_id(asked, parent as usize)),
            "createdBy": folder_author(asked, number), "updated": created(asked, 20),
        })
    });
    let folders: Vec<Value> = folders.collect();
    if folders.is_empty() {
        return Err(Refusal::new(404, "No folders found"));
    }
    Ok(asked.small(json!({ "folders": folders })))
}

pub(super) fn folder_content(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let world = asked.world;
    let Some(id) = asked.request.query("folderId") else {
        return Err(Refusal::invalid("folderId: must not be null"));
    };
    let Some((number, folder)) = FOLDERS.iter().enumerate().find(|(number, _)| folder_id(asked, *number) == id) else {
        return Err(Refusal::new(404, "No folders found"));
    };
    let shelf = if world.config.blind_key { Vec::new() } else { world.shelf(number as u32, asked.now) };
    let calls = shelf.iter().map(|shelved| {
        let id = world.call_id(&shelved.head).to_string();
        json!({
            "title": world.call(&shelved.head).title, "note": shelved.note,
            "addedBy": world.user_id(shelved.added_by).to_string(),
            "created": asked.local(shelved.added.timestamp_micros(), 3),
            "url": format!("https://simulator.app.gong.example/call?id={id}"), "id": id,
            "snippet": shelved.snippet.map(|(from, to)| json!({ "fromSec": from, "toSec": to })),
        })
    });
    Ok(asked.small(json!({
        "id": id, "name": folder.name, "createdBy": folder_author(asked, number), "updated": created(asked, 20),
        "calls": calls.collect::<Vec<Value>>(),
    })))
}

pub(super) fn users_access(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let world = asked.world;
    let Some(call_ids) = ids(asked.filter()?, "callIds")? else {
        return Err(Refusal::invalid("filter.callIds: must not be null"));
    };
    let mut list = Vec::new();
    for id in call_ids {
        let head = world.find_call(&id).filter(|head| head.is_visible(asked.now) && !world.config.blind_key);
        let head = head.ok_or_else(|| Refusal::invalid("Some calls not found"))?;
        // Access that was granted over the API, which hardly anybody does.
        let granted = head.index.is_multiple_of(10).then(|| world.staff.user(head.host).manager).flatten();
        let users: Vec<Value> =
            granted.iter().map(|user| json!({ "userId": world.user_id(*user).to_string() })).collect();
        list.push(json!({ "callId": id, "users": users }));
    }
    Ok(asked.small(json!({ "callAccessList": list })))
}
