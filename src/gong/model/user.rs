//! One user of `GET /v2/users`.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::object::Object;
use super::{Drift, Rejected};

/// The name of the answer's list, and so the root of this record's paths in [`Drift`].
const PATH: &str = "users";

/// A user, active or not. Lists and objects as compact JSON.
#[derive(Debug)]
pub struct User<'a> {
    pub id: Cow<'a, str>,
    pub email_address: Option<Cow<'a, str>>,
    pub first_name: Option<Cow<'a, str>>,
    pub last_name: Option<Cow<'a, str>>,
    pub title: Option<Cow<'a, str>>,
    pub phone_number: Option<Cow<'a, str>>,
    pub extension: Option<Cow<'a, str>>,
    pub active: Option<bool>,
    pub created: Option<DateTime<Utc>>,
    /// A user's id.
    pub manager_id: Option<Cow<'a, str>>,
    pub trusted_email_address: Option<Cow<'a, str>>,
    pub email_aliases_json: Option<Cow<'a, str>>,
    pub personal_meeting_urls_json: Option<Cow<'a, str>>,
    /// Holds a token-like path.
    pub meeting_consent_page_url: Option<Cow<'a, str>>,
    pub settings_json: Option<Cow<'a, str>>,
    pub conferencing_providers_json: Option<Cow<'a, str>>,
    pub spoken_languages_json: Option<Cow<'a, str>>,
    /// The fields that no model knows.
    pub extra_json: Option<String>,
}

impl<'a> User<'a> {
    /// Decodes one user; what is unknown or unexpected is counted in `drift`.
    pub fn decode(raw: &'a str, drift: &mut Drift) -> Result<Self, Rejected> {
        let mut user = Object::parse(raw).ok_or_else(|| Rejected::new("the user is not an object"))?;
        let id = user.id("id").filter(|id| !id.is_empty()).ok_or_else(|| Rejected::new("the user has no usable id"))?;
        Ok(Self {
            id,
            email_address: user.text("emailAddress"),
            first_name: user.text("firstName"),
            last_name: user.text("lastName"),
            title: user.text("title"),
            phone_number: user.text("phoneNumber"),
            extension: user.text("extension"),
            active: user.boolean("active"),
            created: user.instant("created"),
            manager_id: user.id("managerId"),
            trusted_email_address: user.text("trustedEmailAddress"),
            email_aliases_json: user.list_json("emailAliases"),
            personal_meeting_urls_json: user.list_json("personalMeetingUrls"),
            meeting_consent_page_url: user.text("meetingConsentPageUrl"),
            settings_json: user.object_json("settings"),
            conferencing_providers_json: user.list_json("conferencingProviders"),
            spoken_languages_json: user.list_json("spokenLanguages"),
            extra_json: user.finish(PATH, drift),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_settings_are_kept_as_compact_json() {
        let mut drift = Drift::default();
        let raw = r#"{ "id": "6120044873310295518", "created": "2024-11-04T09:12:44.018-05:00", "active": true,
            "emailAliases": [ ], "settings": { "callsImported" : true }, "conferencingProviders": null,
            "spokenLanguages": [ { "language": "en-US", "primary": true } ] }"#;
        let user = User::decode(raw, &mut drift).unwrap();
        assert_eq!(user.id, "6120044873310295518");
        assert_eq!(user.active, Some(true));
        assert_eq!(user.created.unwrap().to_rfc3339(), "2024-11-04T14:12:44.018+00:00");
        assert_eq!(user.email_aliases_json.as_deref(), Some("[]"));
        assert_eq!(user.settings_json.as_deref(), Some(r#"{"callsImported":true}"#));
        assert_eq!(user.conferencing_providers_json, None);
        assert_eq!(user.spoken_languages_json.as_deref(), Some(r#"[{"language":"en-US","primary":true}]"#));
        assert_eq!(user.extra_json, None);
        assert!(drift.is_empty());
    }

    #[test]
    fn what_does_not_fit_a_column_is_extra() {
        let mut drift = Drift::default();
        let raw = r#"{"id": 5, "active": "yes", "created": "2024-11-04T09:12:44", "settings": [], "avatar": {"a": 1}}"#;
        let user = User::decode(raw, &mut drift).unwrap();
        assert_eq!((user.id.as_ref(), user.active, user.created, user.settings_json), ("5", None, None, None));
        assert_eq!(
            user.extra_json.as_deref(),
            Some(r#"{"active":"yes","created":"2024-11-04T09:12:44","settings":[],"avatar":{"a":1}}"#)
        );
        assert_eq!(drift.unknown_fields.keys().collect::<Vec<_>>(), ["users.avatar"]);
        assert_eq!(drift.unexpected_types.len(), 3);
    }

    #[test]
    fn a_user_without_an_id_is_rejected() {
        for raw in ["null", "{}", r#"{"id": null}"#, r#"{"id": ""}"#, r#"{"id": {}}"#] {
            assert!(User::decode(raw, &mut Drift::default()).is_err(), "{raw}");
        }
    }
}
