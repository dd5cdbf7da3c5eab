//! `users`: one row a user, as a snapshot of the day of the export.

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Record, RowsByDay, Source};
use crate::gong::endpoint;
use crate::gong::list::{Extent, List};
use crate::gong::model::{Drift, Rejected, User};

pub static USERS: Dataset = Dataset {
    name: "users",
    about: "One row per Gong user, active or not, as they were on the day of the export.",
    group: Group::Standard,
    columns: &[
        Column::new("user_id", ColumnType::Text, "id of the user; up to 20 digits, so text. From id").required(),
        Column::new("email_address", ColumnType::Text, "e-mail address. From emailAddress").personal(Personal::Email),
        Column::new("first_name", ColumnType::Text, "first name. From firstName").personal(Personal::Name),
        Column::new("last_name", ColumnType::Text, "last name. From lastName").personal(Personal::Name),
        Column::new("title", ColumnType::Text, "job title. From title"),
        Column::new("phone_number", ColumnType::Text, "phone number. From phoneNumber").personal(Personal::Phone),
        Column::new("extension", ColumnType::Text, "extension of the phone number. From extension"),
        Column::new("active", ColumnType::Boolean, "whether the user is active in Gong. From active"),
        Column::new("created_at", ColumnType::Instant, "when the user was created in Gong. From created"),
        Column::new("manager_id", ColumnType::Text, "user id of the manager; joins users.user_id. From managerId"),
        Column::new(
            "trusted_email_address",
            ColumnType::Text,
            "second address that Gong trusts as the user's. From trustedEmailAddress",
        )
        .personal(Personal::Email),
        Column::new("email_aliases_json", ColumnType::Text, "list of further addresses, as JSON. From emailAliases")
            .personal(Personal::Text),
        Column::new(
            "personal_meeting_urls_json",
            ColumnType::Text,
            "list of links to the user's own meeting rooms, as JSON. From personalMeetingUrls",
        )
        .personal(Personal::Text),
        Column::new(
            "meeting_consent_page_url",
            ColumnType::Text,
            "page where the user's guests consent to recording. From meetingConsentPageUrl",
        )
        .personal(Personal::Text),
        Column::new(
            "settings_json",
            ColumnType::Text,
            "what is recorded and imported for the user, an object of booleans, as JSON. From settings",
        ),
        Column::new(
            "conferencing_providers_json",
            ColumnType::Text,
            "list of {provider, isDefault}, as JSON. From conferencingProviders",
        ),
        Column::new(
            "spoken_languages_json",
            ColumnType::Text,
            "list of {language, primary} with BCP 47 languages, as JSON. From spokenLanguages",
        ),
        EXTRA_JSON,
    ],
    key: &["user_id"],
    order: &["user_id"],
    partition: PartitionColumn::Snapshot,
    source: Source::List { list: &LIST, rows },
};

static LIST: List = List { name: "users", operation: &endpoint::USERS, extent: Extent::Now };

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let user = User::decode(record.raw, drift)?;
    let Some(rows) = out.on(record.day) else { return Ok(()) };
    rows.text(Some(&user.id));
    rows.text(user.email_address.as_deref());
    rows.text(user.first_name.as_deref());
    rows.text(user.last_name.as_deref());
    rows.text(user.title.as_deref());
    rows.text(user.phone_number.as_deref());
    rows.text(user.extension.as_deref());
    rows.boolean(user.active);
    rows.instant(user.created);
    rows.text(user.manager_id.as_deref());
    rows.text(user.trusted_email_address.as_deref());
    rows.text(user.email_aliases_json.as_deref());
    rows.text(user.personal_meeting_urls_json.as_deref());
    rows.text(user.meeting_consent_page_url.as_deref());
    rows.text(user.settings_json.as_deref());
    rows.text(user.conferencing_providers_json.as_deref());
    rows.text(user.spoken_languages_json.as_deref());
    rows.text(user.extra_json.as_deref());
    Ok(())
}
