use std::sync::Arc;

use chrono::Days;
use proptest::prelude::*;
use serde_json::json;

use super::super::testing::table;
use super::super::{CALLS, CallInput, PARTIES, Record, Rows, RowsByDay, Source, TRANSCRIPTS, TranscriptInput, USERS};
use super::*;
use crate::gong::model::{Drift, Transcript};

const KEY: &str = "a key of thirty-two characters..";
const ALL: Kinds = Kinds { email: true, phone: true, name: true };
const NONE: Kinds = Kinds { email: false, phone: false, name: false };

const USER: &str = r#"{"id": "7", "emailAddress": "Mara.Quist@vendor.example", "firstName": "Mara", "lastName": "Quist",
    "phoneNumber": "+1 555-0142", "emailAliases": ["mq@vendor.example"], "personalMeetingUrls":
    ["https://zoom.example/my/mara.quist", "https://meet.example/quist"], "title": "Account Executive"}"#;

fn pseudonyms(kinds: Kinds) -> Pseudonyms {
    Pseudonyms::new(KEY, kinds, true)
}

/// A redactor that knows the user above, and these participants.
fn redactor(kinds: Kinds, parties: &serde_json::Value) -> Redactor {
    let user = User::decode(USER, &mut Drift::default()).unwrap();
    let privacy = Arc::new(Privacy::new(pseudonyms(kinds), [&user]));
    let call = json!({"metaData": {"id": "1", "started": "2026-03-02T10:00:00Z"}, "parties": parties}).to_string();
    let people = privacy.people_of(&Call::decode(&call, &mut Drift::default()).unwrap());
    let mut redactor = Redactor::new(privacy);
    redactor.concerning(Some(Arc::new(people)));
    redactor
}

fn parties() -> serde_json::Value {
    json!([
        {"name": "Zoë O'Rourke-de Vries", "emailAddress": "zoe@buyer.example", "phoneNumber": "(020) 7946 0123"},
        {"name": "Phone Caller #1"},
        {"name": "Can"},
        {"name": "王小明"},
    ])
}

/// Text with everything replaced; the pseudonyms by what they stand for.
fn replaced(kinds: Kinds, text: &str) -> String {
    let mut redactor = redactor(kinds, &parties());
    let mut replaced = redactor.replace(Personal::Text, text).unwrap_or_else(|| text.to_owned());
    for (kind, remembered) in redactor.remembered.0.iter().enumerate() {
        for (original, pseudonym) in remembered {
            let name = format!("<{}:{original}>", ["email", "phone", "name", "handle"][kind]);
            replaced = replaced.replace(pseudonym.as_str(), &name);
        }
    }
    replaced
}

#[test]
fn pseudonyms_are_of_the_usual_form_of_each_kind() {
    let made = pseudonyms(ALL);
    assert_eq!(made.email(" Mara.Quist@VENDOR.example "), made.email("mara.quist@vendor.example"));
    assert!(made.email("mara@vendor.example").ends_with("@vendor.example"));
    assert_ne!(made.email("mara@vendor.example"), made.email("mara@other.example"));
    assert_eq!(made.phone("+1 (555) 010-1234"), made.phone("15550101234"));
    assert_ne!(made.phone("anonymous"), made.phone("unknown"));
    assert_eq!(made.name("Mara \u{a0} QUIST\n"), made.name("mara quist"));
    assert_ne!(made.name("mara quist"), made.name("maraquist"));
    // HMAC-SHA-256 with the key, of "name", a zero byte and "mara quist", as OpenSSL computes it.
    assert_eq!(made.name("Mara Quist"), "person-65a86d5b8031f160");
    assert_eq!(made.fingerprint(), "5175e1785b1089bf");
    // The same text is somebody else as another kind of data, and with another key.
    let hex = |pseudonym: &str| pseudonym.split(['-', '@']).find(|part| part.len() == 16).unwrap().to_owned();
    let of_kinds = [hex(&made.name("12345")), hex(&made.phone("12345")), hex(&made.email("12345"))];
    assert!(of_kinds[0] != of_kinds[1] && of_kinds[1] != of_kinds[2] && of_kinds[0] != of_kinds[2]);
    let other = Pseudonyms::new("another key of enough characters", ALL, true);
    assert_ne!(made.name("mara"), other.name("mara"));
    assert_ne!(made.fingerprint(), other.fingerprint());
    assert!(!format!("{made:?}").contains(KEY));
}

#[test]
fn domains_are_kept_or_replaced() {
    let replaced = Pseudonyms::new(KEY, ALL, false);
    let (one, two) = (replaced.email("a@Vendor.example"), replaced.email("b@vendor.example"));
    assert_eq!(one.rsplit_once('@').unwrap().1, two.rsplit_once('@').unwrap().1);
    assert_eq!(one.rsplit_once('@').unwrap().1, replaced.domain("vendor.example"));
    assert!(!one.contains("vendor") && one.ends_with(".invalid"));
    // What follows the last @ may be anything, names included.
    assert!(!pseudonyms(ALL).email("x@y <Mara Quist>").contains("Mara"));
}

#[test]
fn known_people_are_found_in_sentences() {
    let all = |text| replaced(ALL, text);
    assert_eq!(all("Hi Mara Quist, this is Zoë."), "Hi <name:Mara Quist>, this is <name:Zoë>.");
    assert_eq!(all("mara quist's and MARA's notes"), "<name:Mara Quist>'s and <name:Mara>'s notes");
    assert_eq!(all("Ask ZOË O'ROURKE-DE VRIES"), "Ask <name:Zoë O'Rourke-de Vries>");
    assert_eq!(all("Frau O'Rourke"), "Frau <name:O'Rourke>");
    assert_eq!(all("Mara  Quist"), "<name:Mara>  <name:Quist>");
    assert_eq!(all("王小明: 您好"), "<name:王小明>: 您好");
    assert_eq!(all("Can can; Vries can"), "<name:Can> can; <name:Vries> can");
    // No part of a longer word, no word for a handle that is one.
    assert_eq!(all("Marathon, Quistian, zoe"), "Marathon, Quistian, zoe");
    assert_eq!(all("Phone Caller #1 had a phone"), "<name:Phone Caller #1> had a phone");
}

#[test]
fn addresses_and_numbers_are_found_whoevers_they_are() {
    let all = |text| replaced(ALL, text);
    assert_eq!(all("to Mara.Quist@Vendor.example."), "to <email:Mara.Quist@Vendor.example>.");
    assert_eq!(all("<x.y+z@mail.buyer.example>,"), "<<email:x.y+z@mail.buyer.example>>,");
    assert_eq!(all("https://a.example/?to=x%40buyer.example&b"), {
        let hex = pseudonyms(ALL).email("x@buyer.example").replace('@', "%40");
        format!("https://a.example/?to={hex}&b")
    });
    assert_eq!(all("@[Mara Quist](7), an @ and a@b"), "@[<name:Mara Quist>](7), an @ and a@b");
    assert_eq!(all("call +1 555-0142 or (020) 7946 0123!"), "call <phone:+1 555-0142> or <phone:(020) 7946 0123>!");
    assert_eq!(all("call +49 (0)30 901820-11, 555 123 4567"), "call <phone:+49 (0)30 901820-11>, <phone:555 123 4567>");
    assert_eq!(all("tel:+15550142, 7946-0123"), "tel:<phone:+15550142>, <phone:7946-0123>");
    for text in [
        "2026-03-02T10:00:00Z, 2026-03-02 10:15, 02.03.2026 10 15",
        "9007199254740993 and 4718820935511072244",
        "1 200 000 000 at 12.5 %, ticket 48213, https://zoom.example/j/00002051200012",
        "version 4.12.3, 10 to 12 people",
    ] {
        assert_eq!(all(text), text);
    }
}

#[test]
fn links_have_names_in_lower_case() {
    let all = |text| replaced(ALL, text);
    assert_eq!(all("https://zoom.example/my/mara.quist"), "https://zoom.example/my/<handle:Mara.Quist@vendor.example>");
    assert_eq!(all("https://meet.example/quist?a"), "https://meet.example/<name:Quist>?a");
    assert_eq!(all("https://meet.example/zoe"), "https://meet.example/<handle:zoe@buyer.example>");
}

#[test]
fn json_is_rewritten_within_its_strings_only() {
    let all = |text| replaced(ALL, text);
    assert_eq!(
        all(r#"{"note" : "Zo\u00eb \"said\" hi", "id":9007199254740993, "t":"a\nb", "x":[1.50,null,true]}"#),
        r#"{"note" : "<name:Zoë> \"said\" hi", "id":9007199254740993, "t":"a\nb", "x":[1.50,null,true]}"#
    );
    assert_eq!(all(r#"["mq@vendor.example", ""]"#), r#"["<email:mq@vendor.example>", ""]"#);
    // Keys that say what it is, whoever it is, at any depth; and only there.
    assert_eq!(
        all(r#"{"firstName":{"value":"Ada"},"phoneNumber":15550199,"mobile":["5550198","n/a"],"plan":"Ada"}"#),
        r#"{"firstName":{"value":"<name:Ada>"},"phoneNumber":"<phone:15550199>","mobile":["<phone:5550198>","n/a"],"plan":"Ada"}"#
    );
    assert_eq!(all(r#"[{"name":"Ada"},"Ada",{"a":{"name":"Ada"},"b":"Ada"}]"#), {
        r#"[{"name":"<name:Ada>"},"Ada",{"a":{"name":"<name:Ada>"},"b":"Ada"}]"#
    });
    assert_eq!(all(r#"{"mara@buyer.example":"half \ud83d Mara"}"#), {
        r#"{"<email:mara@buyer.example>":"half ��� <name:Mara>"}"#
    });
    // Not JSON after all.
    assert_eq!(all("{Mara}"), "{<name:Mara>}");
}

#[test]
fn a_kind_that_is_not_asked_for_stays() {
    let text = "Mara Quist <mara.quist@vendor.example> +1 555-0142 Quist@x.example";
    assert_eq!(replaced(NONE, text), text);
    assert_eq!(
        replaced(Kinds { name: true, ..NONE }, text),
        "<name:Mara Quist> <mara.quist@vendor.example> +1 555-0142 Quist@x.example"
    );
    assert_eq!(
        replaced(Kinds { phone: true, ..NONE }, text),
        "Mara Quist <mara.quist@vendor.example> <phone:+1 555-0142> Quist@x.example"
    );
    let mut only_emails = redactor(Kinds { email: true, ..NONE }, &parties());
    assert_eq!(only_emails.replace(Personal::Name, "Mara Quist"), None);
    assert!(only_emails.replace(Personal::Name, "mq@vendor.example").unwrap().ends_with("@vendor.example"));
    assert_eq!(only_emails.replace(Personal::Phone, "+1 555-0142"), None);
    let mut only_names = redactor(Kinds { name: true, ..NONE }, &parties());
    assert_eq!(only_names.replace(Personal::Email, "Mara@vendor.example"), None);
}

#[test]
fn columns_are_replaced_whole_and_empty_ones_stay() {
    let mut redactor = redactor(ALL, &parties());
    let made = pseudonyms(ALL);
    assert_eq!(redactor.replace(Personal::Name, "nobody known").unwrap(), made.name("nobody known"));
    assert_eq!(redactor.replace(Personal::Phone, "ext. 4").unwrap(), made.phone("4"));
    assert_eq!(redactor.replace(Personal::Email, "no address").unwrap(), made.email("no address"));
    assert_eq!(redactor.replace(Personal::EmailDomain, "vendor.example"), None);
    for column in [Personal::Email, Personal::Phone, Personal::Name, Personal::Text] {
        assert_eq!(redactor.replace(column, ""), None);
        assert_eq!(redactor.replace(column, "  "), None);
    }
    assert!(!format!("{redactor:?}").contains("Mara"));
}

/// The rows of all datasets that speak of a person agree on who it is.
#[test]
fn joins_still_work() {
    let raw = json!({
        "metaData": {"id": "1", "started": "2026-03-02T10:00:00Z", "title": "Mara Quist / Zoë"},
        "parties": [{"name": "Mara Quist", "emailAddress": "mara.quist@VENDOR.example", "speakerId": "s", "userId": "7"}],
        "new": {"contact": "Zo\u{eb} <zoe@buyer.example>"},
    })
    .to_string();
    let call = Call::decode(&raw, &mut Drift::default()).unwrap();
    let spoken = json!({"callId": "1", "transcript": [{"speakerId": "s", "sentences": [{"text": "Mara here."}]}]});
    let spoken = spoken.to_string();
    let transcript = Transcript::decode(&spoken, &mut Drift::default()).unwrap();
    let input = CallInput { call: &call, transcript: TranscriptInput::Present(&transcript) };
    let user = User::decode(USER, &mut Drift::default()).unwrap();
    let privacy = Arc::new(Privacy::new(Pseudonyms::new(KEY, ALL, false), [&user]));
    let people = Arc::new(privacy.people_of(&call));
    let tables = [&CALLS, &PARTIES, &TRANSCRIPTS, &USERS].map(|dataset| {
        let mut drift = Drift::default();
        match &dataset.source {
            Source::Call { rows: append, .. } => {
                let mut rows = Rows::guarded(dataset, Some(&privacy));
                rows.concerning(Some(Arc::clone(&people)));
                append(&input, &mut rows, &mut drift);
                table(&rows.finish())
            }
            Source::List { rows: append, .. } => {
                let day = "2026-03-02".parse().unwrap();
                let mut out = RowsByDay::new(dataset, day, day + Days::new(1)).guarded(Some(Arc::clone(&privacy)));
                append(&Record { raw: USER, with: None, day, zone: chrono_tz::UTC }, &mut out, &mut drift).unwrap();
                table(&out.finish().take(day).unwrap())
            }
        }
    });
    let [calls, parties, transcripts, users] = &tables;
    assert_eq!(parties[0]["email_address"], users[0]["email_address"]);
    assert_eq!(parties[0]["name"], transcripts[0]["speaker_name"]);
    assert_eq!(transcripts[0]["text"], format!("{} here.", users[0]["first_name"].as_str().unwrap()));
    let domain = parties[0]["email_address"].as_str().unwrap().rsplit_once('@').unwrap().1;
    assert_eq!(parties[0]["email_domain"], domain);
    assert_eq!(calls[0]["call_id"], "1");
    assert_eq!(users[0]["title"], "Account Executive");
    let all = json!(tables).to_string().to_lowercase();
    for original in ["mara", "quist", "vendor.example", "zoe@", "555-0142", "mq@"] {
        assert!(!all.contains(original), "{original} in {all}");
    }
}

/// The same few characters over and over, in case anything takes the square of their number.
#[test]
fn no_repetition_takes_long() {
    for token in [
        "1 ",
        "1",
        "+1",
        "%40",
        "@",
        "a@b.c",
        "mara/",
        "Mara.",
        "://mara",
        "mara.quist",
        "(",
        "[",
        "\"",
        "{\"a\":",
        "12-",
        "a.",
        "ä",
    ] {
        for kinds in [ALL, Kinds { email: false, ..ALL }] {
            for text in [token.repeat(200_000 / token.len()), json!([token.repeat(200_000 / token.len())]).to_string()]
            {
                let started = std::time::Instant::now();
                let _ = redactor(kinds, &parties()).replace(Personal::Text, &text);
                // Tenths of a second in a debug build; the machine may be busy.
                assert!(started.elapsed().as_secs() < 10, "{token:?} took {:?}", started.elapsed());
            }
        }
    }
}

/// Names as people have them, in several scripts.
fn name() -> impl Strategy<Value = String> {
    "[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]{2,9}( [A-ZŁŚŽ][a-złśž]{2,9}){1,2}"
}

proptest! {
    /// Whatever a text is made of, none of what it was told to replace is left in it, in any case.
    #[test]
    fn no_original_survives(
        names in prop::collection::vec(name(), 1..4),
        locals in prop::collection::vec("[a-z]{3,8}\\.[a-z]{3,8}", 1..4),
        numbers in prop::collection::vec("\\+[1-9][0-9]{2} [0-9]{3} [0-9]{4}", 1..4),
        order in prop::collection::vec((0usize..3, 0usize..4, 0usize..3), 0..12),
        glue in prop::collection::vec("[ ,;.!?()\"'\\\\/\n]{1,3}|[ ]ä[ ]|[ ]\u{1F600}[ ]", 12),
        as_json: bool,
    ) {
        let emails: Vec<String> = locals.iter().map(|local| format!("{local}@buyer.example")).collect();
        let party = |i: usize| json!({
            "name": names.get(i), "emailAddress": emails.get(i), "phoneNumber": numbers.get(i),
        });
        let mut redactor = redactor(ALL, &json!([party(0), party(1), party(2)]));
        let mut text = String::new();
        for ((kind, which, case), glue) in order.into_iter().zip(glue) {
            let of = [&names, &emails, &numbers][kind];
            let original = &of[which % of.len()];
            text.push_str(&match case { 0 => original.clone(), 1 => original.to_lowercase(), _ => original.to_uppercase() });
            text.push_str(&glue);
        }
        let text = if as_json { json!({ "a": [text] }).to_string() } else { text };
        let result = redactor.replace(Personal::Text, &text).unwrap_or(text);
        let lower = result.to_lowercase();
        for original in names.iter().chain(&emails).chain(&numbers) {
            prop_assert!(!lower.contains(&original.to_lowercase()), "{original} in {result}");
        }
        if as_json {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&result).is_ok(), "{result}");
        }
    }

    /// Any text at all, JSON or not, is rewritten without a panic, and twice the same.
    #[test]
    fn any_text_is_rewritten_alike(text in "(Mara|Quist|@|%40|\\+1|[0-9]{1,4}|[-./() ]|x\\.example|[{}\\[\\]\",:\\\\]|://|\\PC){0,40}") {
        let mut first = redactor(ALL, &parties());
        let once = first.replace(Personal::Text, &text);
        prop_assert_eq!(&first.replace(Personal::Text, &text), &once);
        prop_assert_eq!(&redactor(ALL, &parties()).replace(Personal::Text, &text), &once);
    }

    /// JSON keeps its shape and everything in it that is no string.
    #[test]
    fn json_stays_json(strings in prop::collection::vec("\\PC{0,12}", 4), number: f64, whole: u64) {
        let value = json!({ "a": strings, "n": [number, whole, null, true], "name": {"x": 1} });
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let result = json::rewrite(&text, |_, text| (!text.is_empty()).then(|| format!("<{text}>")));
            let expected = |text: &str| if text.is_empty() { String::new() } else { format!("<{text}>") };
            let value: serde_json::Value = serde_json::from_str(&result.unwrap()).unwrap();
            let strings: Vec<_> = strings.iter().map(|text| expected(text)).collect();
            prop_assert_eq!(&value["<a>"], &json!(strings));
        }
    }
}
