//! `parties`: one row a participant of a call.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Call, Drift, Party};

pub static PARTIES: Dataset = Dataset {
    name: "parties",
    about: "One row per participant of a call, invited or present, from the company or not.",
    group: Group::Standard,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("party_index", ColumnType::Int64, "position in the call's list of participants, from 0").required(),
        Column::new("party_id", ColumnType::Text, "id of the participant, unique in the call. From parties[].id"),
        Column::new(
            "name",
            ColumnType::Text,
            "name; Gong makes up ones like Phone Caller #1 for unknown voices. From parties[].name",
        )
        .personal(Personal::Name),
        Column::new("title", ColumnType::Text, "job title. From parties[].title"),
        Column::new("email_address", ColumnType::Text, "e-mail address. From parties[].emailAddress")
            .personal(Personal::Email),
        Column::new("phone_number", ColumnType::Text, "phone number. From parties[].phoneNumber")
            .personal(Personal::Phone),
        Column::new(
            "email_domain",
            ColumnType::Text,
            "what follows the last @ of email_address, in lower case; null when there is none",
        )
        .personal(Personal::EmailDomain),
        Column::new(
            "affiliation",
            ColumnType::Text,
            "Internal, External, Unknown or whatever Gong adds. From parties[].affiliation",
        ),
        Column::new("user_id", ColumnType::Text, "set for Gong users only; joins users.user_id. From parties[].userId"),
        Column::new(
            "speaker_id",
            ColumnType::Text,
            "set for those who spoke; joins transcripts.speaker_id within the call. From parties[].speakerId",
        ),
        Column::new(
            "methods_json",
            ColumnType::Text,
            "list of Invitee, Attendee or both, as JSON. From parties[].methods",
        ),
        Column::new(
            "talk_time_s",
            ColumnType::Double,
            "seconds that the participant spoke; null when Gong does not say. From interaction.speakers[].talkTime, \
             joined on the party's id, else on its user id",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id", "party_index"],
    order: &["call_started_at", "call_id", "party_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Parties, Block::Speakers], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, _: &mut Drift) {
    let call = input.call;
    let Some(parties) = &call.parties else { return };
    let talk_times = TalkTimes::of(call, parties);
    for (index, party) in parties.iter().enumerate() {
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.int64(Some(index as i64));
        rows.text(party.id.as_deref());
        rows.text(party.name.as_deref());
        rows.text(party.title.as_deref());
        rows.text(party.email_address.as_deref());
        rows.text(party.phone_number.as_deref());
        rows.text(party.email_address.as_deref().and_then(email_domain).as_deref());
        rows.text(party.affiliation.as_deref());
        rows.text(party.user_id.as_deref());
        rows.text(party.speaker_id.as_deref());
        rows.text(party.methods_json.as_deref());
        rows.double(talk_times.of_party(party));
        rows.text(party.extra_json.as_deref());
    }
}

/// Who spoke for how many seconds.
struct TalkTimes<'a> {
    by_party: HashMap<&'a str, f64>,
    /// Of those speakers whose id is no party's: a person who joined twice, by video and by phone, is
    /// two parties with one user id, and the time must count for one of them only.
    by_user: HashMap<&'a str, f64>,
}

impl<'a> TalkTimes<'a> {
    fn of(call: &'a Call<'_>, parties: &[Party<'_>]) -> Self {
        let party_ids: HashSet<&str> = parties.iter().filter_map(|party| party.id.as_deref()).collect();
        let mut times = Self { by_party: HashMap::new(), by_user: HashMap::new() };
        for speaker in call.speakers.iter().flatten() {
            let Some(seconds) = speaker.talk_time else { continue };
            match (speaker.id.as_deref(), speaker.user_id.as_deref()) {
                (Some(id), _) if party_ids.contains(id) => times.by_party.entry(id).or_insert(seconds),
                (_, Some(user_id)) => times.by_user.entry(user_id).or_insert(seconds),
                (_, None) => continue,
            };
        }
        times
    }

    fn of_party(&self, party: &Party<'_>) -> Option<f64> {
        let by_party = party.id.as_deref().and_then(|id| self.by_party.get(id));
        by_party.or_else(|| self.by_user.get(party.user_id.as_deref()?)).copied()
    }
}

fn email_domain(address: &str) -> Option<Cow<'_, str>> {
    let (_, domain) = address.rsplit_once('@')?;
    if domain.is_empty() {
        return None;
    }
    let is_lower_case = domain.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    Some(if is_lower_case { Cow::Borrowed(domain) } else { Cow::Owned(domain.to_lowercase()) })
}

#[cfg(test)]
mod tests {
    use super::super::testing::call_table;
    use super::*;
    use crate::dataset::TranscriptInput;
    use serde_json::{Value, json};

    fn column(record: &Value, name: &str) -> Vec<Value> {
        let rows = call_table(&PARTIES, &record.to_string(), TranscriptInput::NotAsked);
        rows.into_iter().map(|row| row[name].clone()).collect()
    }

    fn talk_times(parties: Value, speakers: Value) -> Vec<Value> {
        let record = json!({
            "metaData": {"id": "1", "started": "2026-03-02T10:00:00Z"},
            "parties": parties,
            "interaction": {"speakers": speakers},
        });
        column(&record, "talk_time_s")
    }

    #[test]
    fn talk_time_is_joined_on_the_party_else_on_the_user() {
        let parties = json!([{"id": "a", "userId": "u"}, {"id": "b", "userId": "v"}, {"id": "c"}]);
        let speakers = json!([
            {"id": "b", "userId": "u", "talkTime": 20},
            {"id": "?", "userId": "u", "talkTime": 1.5},
            {"id": "c", "userId": null, "talkTime": 0.0},
            {"id": "d", "talkTime": 9},
            {"talkTime": 8},
        ]);
        assert_eq!(talk_times(parties.clone(), speakers), [json!(1.5), json!(20.0), json!(0.0)]);
        assert_eq!(talk_times(parties.clone(), json!(null)), [json!(null), json!(null), json!(null)]);
        assert_eq!(talk_times(json!([{}, null]), json!([{"id": null, "talkTime": 1}])), [json!(null), json!(null)]);
    }

    #[test]
    fn talk_time_of_someone_who_joined_twice_counts_once() {
        let parties = json!([{"id": "a", "userId": "u"}, {"id": "b", "userId": "u"}]);
        assert_eq!(
            talk_times(parties, json!([{"id": "a", "userId": "u", "talkTime": 30}])),
            [json!(30.0), json!(null)]
        );
    }

    #[test]
    fn a_domain_is_what_follows_the_last_at() {
        let domain = |address| email_domain(address).map(Cow::into_owned);
        assert_eq!(domain("mara@vendor.example").as_deref(), Some("vendor.example"));
        assert_eq!(domain("\"a@b\"@Vendor.EXAMPLE").as_deref(), Some("vendor.example"));
        assert_eq!(domain("ö@BÜRO.example").as_deref(), Some("büro.example"));
        assert_eq!(domain("mara"), None);
        assert_eq!(domain("mara@"), None);
        assert_eq!(domain(""), None);
    }

    #[test]
    fn a_call_without_the_block_has_no_rows_and_one_with_a_broken_party_keeps_all() {
        let meta = json!({"id": "1", "started": "2026-03-02T10:00:00Z"});
        assert_eq!(column(&json!({"metaData": meta}), "party_index"), Vec::<Value>::new());
        assert_eq!(column(&json!({"metaData": meta, "parties": "none"}), "party_index"), Vec::<Value>::new());
        let record = json!({"metaData": meta, "parties": [{"id": "a"}, 7, null, {"id": "d", "role": "guest"}]});
        assert_eq!(column(&record, "party_index"), [0, 1, 2, 3].map(Value::from));
        assert_eq!(column(&record, "party_id"), [json!("a"), json!(null), json!(null), json!("d")]);
        assert_eq!(
            column(&record, "extra_json"),
            [json!(null), json!(r#"{"party":7}"#), json!(null), json!(r#"{"role":"guest"}"#)]
        );
    }
}
