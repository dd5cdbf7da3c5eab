//! What an export of settings and reviews has to hold, from the records of plain requests.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{instant, list, object, text};
use crate::support::python::Row;
use crate::support::simulator::Simulator;

/// Names of the datasets that this knows.
pub(crate) const DATASETS: [&str; 9] = [
    "answered_scorecards",
    "answered_scorecard_answers",
    "scorecards",
    "scorecard_questions",
    "trackers",
    "workspaces",
    "call_outcomes",
    "library_folders",
    "library_calls",
];

/// What an administrator set up and how calls were judged, as the records of its answers.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    reviews: Vec<Value>,
    scorecards: Vec<Value>,
    trackers: Vec<Value>,
    workspaces: Vec<Value>,
    outcomes: Vec<Value>,
    /// With the workspace that each was asked for.
    folders: Vec<(Value, Value)>,
    /// With the folder that each was asked for.
    shelved: Vec<(Value, Value)>,
    /// Ids of the private ones among the calls that these speak of.
    private: BTreeSet<String>,
}

impl Settings {
    /// All that the account holds now, with the reviews of these days of the company.
    pub(crate) fn of(simulator: &Simulator, days: (&str, &str)) -> Self {
        let twin = simulator.twin();
        let get = |path: &str, list: &str| twin.all("GET", path, list, &Value::Null);
        let filter = json!({ "filter": { "reviewMethod": "BOTH", "reviewFromDate": days.0, "reviewToDate": days.1 } });
        let reviews = twin.all("POST", "/v2/stats/activity/scorecards", "answeredScorecards", &filter);
        let workspaces = get("/v2/workspaces", "workspaces");
        let mut folders = Vec::new();
        for workspace in &workspaces {
            let id = text(&workspace["id"]);
            let of_workspace = get(&format!("/v2/library/folders?workspaceId={id}"), "folders");
            folders.extend(of_workspace.into_iter().map(|folder| (workspace["id"].clone(), folder)));
        }
        let mut shelved = Vec::new();
        for (_, folder) in &folders {
            let calls = get(&format!("/v2/library/folder-content?folderId={}", text(&folder["id"])), "calls");
            shelved.extend(calls.into_iter().map(|call| (folder["id"].clone(), call)));
        }
        let ids: BTreeSet<String> =
            reviews.iter().map(|r| &r["callId"]).chain(shelved.iter().map(|(_, call)| &call["id"])).map(text).collect();
        let asked = json!({ "filter": { "callIds": ids } });
        let calls = twin.all("POST", "/v2/calls/extensive", "calls", &asked);
        assert_eq!(calls.len(), ids.len(), "calls of reviews and folders are there");
        let private = calls.iter().filter(|call| call["metaData"]["isPrivate"] == true);
        let settings = Self {
            private: private.map(|call| text(&call["metaData"]["id"])).collect(),
            scorecards: get("/v2/settings/scorecards", "scorecards"),
            trackers: get("/v2/settings/trackers", "keywordTrackers"),
            outcomes: get("/v2/call-outcomes", "outcomes"),
            reviews,
            workspaces,
            folders,
            shelved,
        };
        settings.assert_complete(simulator, days);
        settings
    }

    /// Holds the answers against the simulated world itself.
    fn assert_complete(&self, simulator: &Simulator, days: (&str, &str)) {
        let day = |text: &str| text.parse().expect("a day");
        let (world, now) = (simulator.world(), simulator.now());
        let reviews = world.truth_reviews(day(days.0), day(days.1), now);
        let expected: BTreeSet<_> =
            reviews.into_iter().map(|r| (r.date.to_string(), r.answered_scorecard_id, r.call_id, r.answers)).collect();
        let answered = self.reviews.iter().map(|review| {
            let answers = list(&review["answers"]).len();
            (day_of(review), text(&review["answeredScorecardId"]), text(&review["callId"]), answers)
        });
        assert_eq!(answered.collect::<BTreeSet<_>>(), expected);
        let library = world.truth_library(now);
        let expected: BTreeSet<_> =
            library.into_iter().map(|row| (row.folder_id, row.call_id, json!(row.note).to_string())).collect();
        let shelved =
            self.shelved.iter().map(|(folder, call)| (text(folder), text(&call["id"]), call["note"].to_string()));
        assert_eq!(shelved.collect::<BTreeSet<_>>(), expected);
    }

    /// How many reviews and calls of the library are of private calls.
    pub(crate) fn of_private_calls(&self) -> (usize, usize) {
        let is_private = |id: &Value| self.private.contains(&text(id));
        let reviews = self.reviews.iter().filter(|review| is_private(&review["callId"])).count();
        (reviews, self.shelved.iter().filter(|(_, call)| is_private(&call["id"])).count())
    }

    /// The rows of a dataset in the order of its files, the day of a review included, without
    /// `extra_json`.
    pub(crate) fn rows(&self, dataset: &str, include_private: bool) -> Vec<Row> {
        let wanted = |id: &Value| include_private || !self.private.contains(&text(id));
        let reviews = self.reviews.iter().filter(|review| wanted(&review["callId"]));
        let (rows, order): (Vec<Value>, &[&str]) = match dataset {
            "answered_scorecards" => (reviews.map(review).collect(), &["review_date", "answered_scorecard_id"]),
            "answered_scorecard_answers" => {
                (reviews.flat_map(answers).collect(), &["review_date", "answered_scorecard_id", "question_id"])
            }
            "scorecards" => (self.scorecards.iter().map(scorecard).collect(), &["scorecard_id"]),
            "scorecard_questions" => {
                (self.scorecards.iter().flat_map(questions).collect(), &["scorecard_id", "question_id"])
            }
            "trackers" => (self.trackers.iter().map(tracker).collect(), &["tracker_id"]),
            "workspaces" => (
                self.workspaces
                    .iter()
                    .map(|w| json!({ "workspace_id": w["id"], "name": w["name"], "description": w["description"] }))
                    .collect(),
                &["workspace_id"],
            ),
            "call_outcomes" => (self.outcomes.iter().map(outcome).collect(), &["call_outcome"]),
            "library_folders" => {
                (self.folders.iter().map(|(of, folder)| library_folder(of, folder)).collect(), &["folder_id"])
            }
            "library_calls" => {
                let shelved = self.shelved.iter().filter(|(_, call)| wanted(&call["id"]));
                (shelved.map(|(folder, call)| library_call(folder, call)).collect(), &["folder_id", "call_id"])
            }
            other => panic!("{other} is no dataset of settings or reviews"),
        };
        let mut rows: Vec<Row> = rows.into_iter().map(object).collect();
        rows.sort_by_key(|row| order.iter().map(|column| text(&row[*column])).collect::<Vec<_>>());
        rows
    }
}

/// The day of a review as its own offset has it.
fn day_of(review: &Value) -> String {
    text(&review["reviewTime"])[..10].to_owned()
}

fn review(review: &Value) -> Value {
    json!({
        "answered_scorecard_id": review["answeredScorecardId"],
        "scorecard_id": review["scorecardId"],
        "scorecard_name": review["scorecardName"],
        "call_id": review["callId"],
        "call_started_at": instant(&review["callStartTime"]),
        "reviewed_user_id": review["reviewedUserId"],
        "reviewer_user_id": review["reviewerUserId"],
        "review_method": review["reviewMethod"],
        "editor_user_id": review["editorUserId"],
        "reviewed_at": instant(&review["reviewTime"]),
        "visibility_type": review["visibilityType"],
        "review_date": day_of(review),
    })
}

fn answers(review: &Value) -> Vec<Value> {
    let answer = |answer: &Value| {
        json!({
            "answered_scorecard_id": review["answeredScorecardId"],
            "question_id": answer["questionId"],
            "call_id": review["callId"],
            "scorecard_id": review["scorecardId"],
            "reviewed_user_id": review["reviewedUserId"],
            "question_revision_id": answer["questionRevisionId"],
            "is_overall": answer["isOverall"],
            "score": answer["score"],
            "answer_text": answer["answerText"],
            "not_applicable": answer["notApplicable"],
            "selected_options_json": answer["selectedOptions"],
            "review_date": day_of(review),
        })
    };
    list(&review["answers"]).iter().map(answer).collect()
}

fn scorecard(scorecard: &Value) -> Value {
    json!({
        "scorecard_id": scorecard["scorecardId"],
        "scorecard_name": scorecard["scorecardName"],
        "workspace_id": scorecard["workspaceId"],
        "enabled": scorecard["enabled"],
        "updater_user_id": scorecard["updaterUserId"],
        "created_at": instant(&scorecard["created"]),
        "updated_at": instant(&scorecard["updated"]),
        "review_method": scorecard["reviewMethod"],
    })
}

fn questions(scorecard: &Value) -> Vec<Value> {
    let bound = |value: &Value| value.as_str().map(|text| text.parse::<i64>().expect("a whole number"));
    let question = |(index, question): (usize, &Value)| {
        json!({
            "scorecard_id": scorecard["scorecardId"],
            "question_id": question["questionId"],
            "question_index": index,
            "question_revision_id": question["questionRevisionId"],
            "question_text": question["questionText"],
            "is_overall": question["isOverall"],
            "question_type": question["questionType"],
            "answer_guide": question["answerGuide"],
            "min_range": bound(&question["minRange"]),
            "max_range": bound(&question["maxRange"]),
            "answer_options_json": question["answerOptions"],
            "created_at": instant(&question["created"]),
            "updated_at": instant(&question["updated"]),
            "updater_user_id": question["updaterUserId"],
        })
    };
    list(&scorecard["questions"]).iter().enumerate().map(question).collect()
}

fn tracker(tracker: &Value) -> Value {
    json!({
        "tracker_id": tracker["trackerId"],
        "tracker_name": tracker["trackerName"],
        "workspace_id": tracker["workspaceId"],
        "language_keywords_json": tracker["languageKeywords"],
        "affiliation": tracker["affiliation"],
        "part_of_question": tracker["partOfQuestion"],
        "said_when": tracker["saidAt"],
        "said_when_interval": tracker["saidAtInterval"],
        "said_when_unit": tracker["saidAtUnit"],
        "said_in_topics_json": tracker["saidInTopics"],
        "filter_query": tracker["filterQuery"],
        "created_at": instant(&tracker["created"]),
        "creator_user_id": tracker["creatorUserId"],
        "updated_at": instant(&tracker["updated"]),
        "updater_user_id": tracker["updaterUserId"],
    })
}

fn outcome(outcome: &Value) -> Value {
    json!({
        "call_outcome": outcome["callOutcome"],
        "display_order": outcome["displayOrder"],
        "connect_status": outcome["connectStatus"],
        "sentiment": outcome["sentiment"],
        "todo_action": outcome["todoAction"],
        "automation": outcome["automation"],
        "category": outcome["category"],
    })
}

fn library_folder(workspace: &Value, folder: &Value) -> Value {
    json!({
        "folder_id": folder["id"],
        "workspace_id": workspace,
        "name": folder["name"],
        "parent_folder_id": folder["parentFolderId"],
        "created_by_user_id": folder["createdBy"],
        "updated_at": instant(&folder["updated"]),
    })
}

fn library_call(folder: &Value, call: &Value) -> Value {
    json!({
        "folder_id": folder,
        "call_id": call["id"],
        "title": call["title"],
        "note": call["note"],
        "added_by_user_id": call["addedBy"],
        "created_at": instant(&call["created"]),
        "url": call["url"],
        "snippet_from_s": call["snippet"]["fromSec"],
        "snippet_to_s": call["snippet"]["toSec"],
    })
}
