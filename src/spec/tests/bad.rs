//! Job files that must be refused, and the messages their authors read.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::*;

/// Job files with something wrong, each with what is wrong with it.
const BAD: &[(&str, &str)] = &[
    ("not a mapping", "- version: 1\n"),
    ("a single text", "version 1\n"),
    ("only comments", "# version: 1\n"),
    ("nothing but a version", "version: 1\n"),
    ("version from the future", "version: 2\nrange: {from: today}\ndestination: {url: out}\n"),
    ("version as text", "version: \"1\"\nrange: {from: today}\ndestination: {url: out}\n"),
    (
        "misspelt and unknown keys on every level",
        "version: 1\nnmae: x\nrange:\n  form: 2025-01-01\n  until: today\ndestination:\n  url: out\n  compresion: snappy\nschedule: daily\n",
    ),
    (
        "keys of other versions",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nrefresh: {settle_day: 7}\nprivacy: {pseudonymise: [email]}\n",
    ),
    (
        "pseudonyms without a key, and nothing excluded",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nprivacy:\n  pseudonymize: [email]\n  keep_email_domains: maybe\n  exclude: {}\n",
    ),
    (
        "a key that could be guessed",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nprivacy:\n  pseudonymize: [phone, name]\n  key: ${HUSH}\n",
    ),
    (
        "a key that is not one, and a kind that is none",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nprivacy:\n  pseudonymize: [adress, name]\n  key: [hush]\n",
    ),
    (
        "a key without anything to replace",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nprivacy: {key: \"${HUSH}\"}\n",
    ),
    (
        "a key written without a space",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nprivacy: {key:hush}\n",
    ),
    (
        "exclusions that are none",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nprivacy:\n  exclude:\n    titles: [\"*\", \"\"]\n    email_domains: [a@b.example, \"*.example\", .example]\n    users: [mara]\n",
    ),
    (
        "duplicate keys",
        "version: 1\nrange:\n  from: 2025-01-01\n  to: 2025-02-01\n  from: 2025-01-15\ndestination: {url: out}\nversion: 1\n",
    ),
    (
        "wrong kinds of value",
        "version: 1\nsource: fast\nrange: [2025-01-01, today]\nusers: {hosts: mara@vendor.example}\ndatasets: calls\ndestination:\n  url: {bucket: a}\n  partition_by: [day]\n  options: [region]\n",
    ),
    ("keys without a value", "version: 1\nsource:\n  auth:\nrange:\n  from:\n  to: ~\ndestination:\n  url: null\n"),
    (
        "bad numbers",
        "version: 1\nsource:\n  requests_per_second: 0\n  requests_per_day: -5\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "more bad numbers",
        "version: one\nsource:\n  requests_per_second: .inf\n  requests_per_day: 0\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "numbers in quotes",
        "version: 1\nsource: {requests_per_second: \"3\", requests_per_day: 1.5}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "unknown datasets",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\ndatasets: [calls, transcript, deals, calls]\n",
    ),
    ("no datasets", "version: 1\nrange: {from: today}\ndestination: {url: out}\ndatasets: []\n"),
    (
        "dates that are none",
        "version: 1\nrange:\n  from: 31.01.2025\n  to: 2025-02-30\n  timezone: New York\ndestination: {url: out}\n",
    ),
    (
        "a time without an offset",
        "version: 1\nrange:\n  from: 2025-01-31T08:00:00\n  timezone: CET+1\ndestination: {url: out}\n",
    ),
    ("no end of the range", "version: 1\nrange: {to: today}\ndestination: {}\n"),
    (
        "users that are none",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nusers:\n  hosts: [mara, 12ab, \"\"]\n  participants: [a@b@c, [x]]\n",
    ),
    (
        "users that name nobody",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nusers: {hosts: [], participants: []}\n",
    ),
    ("a workspace by name", "version: 1\nrange: {from: today}\ndestination: {url: out}\nworkspace: Sales EMEA\n"),
    (
        "an empty workspace from a variable",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nworkspace: ${EMPTY}\n",
    ),
    ("a name with spaces", "version: 1\nname: my nightly job\nrange: {from: today}\ndestination: {url: out}\n"),
    (
        "plain http",
        "version: 1\nsource: {base_url: \"http://us-12345.api.gong.io\"}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "an address without scheme",
        "version: 1\nsource: {base_url: us-12345.api.gong.io}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "an address with a path",
        "version: 1\nsource: {base_url: \"https://us-12345.api.gong.io/v2/calls?key=hush-hush\"}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "an address with credentials",
        "version: 1\nsource: {base_url: \"https://hush-hush:hush-hush@us-12345.api.gong.io\"}\nrange: {from: today}\ndestination: {url: \"s3://hush-hush:hush-hush@bucket\"}\n",
    ),
    (
        "two ways to sign in",
        "version: 1\nsource:\n  auth: {access_key: hush-hush, access_key_secret: hush-hush, token: hush-hush}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "half a key",
        "version: 1\nsource:\n  auth:\n    access_key: hush-hush\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "half an app",
        "version: 1\nsource:\n  auth:\n    oauth:\n      client_secret: hush-hush\n      token_url: http://hush-hush.example/\n      token: hush-hush\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "an app and a token",
        "version: 1\nsource:\n  auth: {token: hush-hush, oauth: {client_id: a, client_secret: hush-hush, token_file: t.json}}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    ("no way to sign in", "version: 1\nsource: {auth: {}}\nrange: {from: today}\ndestination: {url: out}\n"),
    (
        "secrets of the wrong kind",
        "version: 1\nsource:\n  auth:\n    access_key: [hush-hush]\n    access_key_secret: \"\"\n    acess_token: hush-hush\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "a key without a space after its colon",
        "version: 1\nsource: {auth: {access_key:hush-hush, access_key_secret: hush-hush}}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "a secret with a line break",
        "version: 1\nsource: {auth: {token: \"${HUSH_LINES}\"}}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "a secret where a mapping belongs",
        "version: 1\nsource: {auth: hush-hush}\nrange: {from: today}\ndestination: {url: out, options: hush-hush}\n",
    ),
    (
        "two sources",
        "version: 1\nsource:\n  base_url: https://us-12345.api.gong.io\n  auth: {token: x}\n  simulator: {seed: 7}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "simulator switches",
        "version: 1\nsource:\n  simulator:\n    sede: 7\n    users: many\n    calls_per_day: -1\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "a simulator without users",
        "version: 1\nsource:\n  simulator:\n    users: 0\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    (
        "a destination of another kind",
        "version: 1\nrange: {from: today}\ndestination:\n  url: ftp://files.example/gong\n  compression: brotli\n  partition_by: week\n",
    ),
    (
        "destinations that miss something",
        "version: 1\nrange: {from: today}\ndestination:\n  url: s3:///gong\n  compression: zstd(99)\n  options: {region: {name: x}}\n",
    ),
    (
        "a destination in the home folder",
        "version: 1\nrange: {from: today}\ndestination: {url: ~/export, compression: snappy(3)}\nprivacy: {private_calls: no}\n",
    ),
    (
        "variables that are not set",
        "version: 1\nsource:\n  base_url: ${GONG_URL}\n  auth: {access_key: \"${KEY_A}\", access_key_secret: \"${KEY_B}\"}\nrange: {from: \"${FROM} ${UNTIL}\"}\ndestination: {url: out}\n",
    ),
    (
        "broken references",
        "version: 1\nname: ${1ST}\nrange: {from: \"${FROM\", to: \"${A:-${B}}\"}\ndestination: {url: out}\n",
    ),
    (
        "bad values from variables",
        "version: 1\nname: ${HUSH_LINES}\nsource: {base_url: \"${HUSH_URL}\", requests_per_second: \"${HUSH}\"}\nrange: {from: \"${HUSH}\", timezone: \"${HUSH}\"}\nusers: {hosts: [\"${HUSH}\"]}\nworkspace: ${HUSH}\ndatasets: [\"${HUSH}\"]\ndestination: {url: \"ftp://${HUSH}\", compression: \"${HUSH}\", partition_by: \"${HUSH}\"}\nprivacy: {private_calls: \"${HUSH}\"}\n",
    ),
    (
        "a notification without address",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nnotify: {on: never}\n",
    ),
    (
        "a notification over plain http",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nnotify:\n  url: http://hooks.example/hush-hush\n  haeders: {}\n",
    ),
    (
        "notifications that keep their secrets",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nnotify: {url:https://hooks.example/hush-hush, url: hush-hush, headers: {Authorization:hush-hush, X-A: [hush-hush], \"hush hush-hush\": x, Host: hush-hush, X-B: \"${HUSH_LINES}\"}}\n",
    ),
    (
        "a notification that is only an address",
        "version: 1\nrange: {from: today}\ndestination: {url: out}\nnotify: https://hooks.example/hush-hush\n",
    ),
    (
        "bad simulator values from variables",
        "version: 1\nsource:\n  simulator: {seed: \"${HUSH}\", users: \"${ZERO:-0}\"}\nrange: {from: today}\ndestination: {url: out}\n",
    ),
    ("wrong indentation", "version: 1\nrange:\n  from: today\n to: today\ndestination: {url: out}\n"),
    ("a tab", "version: 1\nrange:\n\tfrom: today\ndestination: {url: out}\n"),
    ("an unclosed bracket", "version: 1\ndatasets: [calls, users\nrange: {from: today}\n"),
    ("an unclosed quote", "version: 1\nname: \"nightly\nrange: {from: today}\n"),
    ("a value with a colon", "version: 1\nname: a: b\n"),
    ("a key without a space after the colon", "version: 1\nname:nightly\nrange: {from: today}\n"),
    ("the wrong bracket", "version: 1\ndatasets: [calls}\n"),
    ("a backslash in double quotes", "version: 1\ndestination: {url: \"C:\\export\"}\nrange: {from: today}\n"),
    ("another backslash in double quotes", "version: 1\ndestination: {url: \"C:\\query\"}\n"),
    ("a document within quotes", "version: 1\nname: \"a\n---\nb\"\n"),
    ("two documents", "version: 1\nrange: {from: today}\ndestination: {url: out}\n---\nversion: 1\n"),
    ("an alias", "version: 1\nusers:\n  hosts: &people [mara@vendor.example]\n  participants: *people\n"),
    ("a star without quotes", "version: 1\nname: *nightly\n"),
    ("a tag", "version: 1\nname: !!binary bmlnaHRseQ==\n"),
    ("a list as a key", "version: 1\n[a, b]: c\n"),
    ("control characters", "version: 1\nname: a\u{0}b\n"),
    (
        "texts that would steer a terminal",
        "version: 1\nname: \"\\e[2J\\e]0;x\\a\\u202Eevil\"\n\"\\e[31mred\": 1\nrange: {from: today}\ndestination: {url: out}\n",
    ),
];

#[test]
fn every_kind_of_problem_has_its_message() {
    let mut messages = String::new();
    for (what, text) in BAD {
        let problems = load_text(text).expect_err(what);
        let message = problems.to_string();
        assert!(!message.contains(SECRET), "{what}: {message}");
        assert!(!format!("{problems:?}").contains(SECRET), "{what}");
        assert!(problems.problems.iter().all(|problem| !problem.remedy.is_empty()), "{what}");
        writeln!(messages, "--- {what}").unwrap();
        for (index, line) in text.lines().enumerate() {
            writeln!(messages, "{:>3} | {}", index + 1, line.escape_debug().to_string().replace("\\\"", "\"")).unwrap();
        }
        writeln!(messages, "error: {message}\n").unwrap();
    }
    insta::assert_snapshot!(messages);
}

/// Files made to hurt; their messages are short and come at once.
#[test]
fn hostile_files_are_refused_at_once() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
        }
        text
    };
    let hostile: Vec<(&str, Vec<u8>)> = vec![
        ("an anchor bomb", bomb.into_bytes()),
        ("20,000 nested lists", "[".repeat(20_000).into_bytes()),
        ("20,000 nested mappings", "{a: ".repeat(20_000).into_bytes()),
        ("20,000 nested block lists", "- ".repeat(20_000).into_bytes()),
        (
            "400 levels by indentation",
            (0..400).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>().into_bytes(),
        ),
        ("more than a megabyte", vec![b'#'; FILE_BYTES_MAX + 1]),
        ("half a megabyte of items", format!("datasets: [{}]", "a,".repeat(500_000)).into_bytes()),
        ("half a megabyte of open mappings", "? ".repeat(500_000).into_bytes()),
        ("a text of a megabyte", format!("version: 1\nname: {}", "x".repeat(1_000_000)).into_bytes()),
        ("a key of a megabyte", format!("{}: 1", "x".repeat(1_000_000)).into_bytes()),
        ("a quoted key of a megabyte", format!("? \"{}\"\n: 1", "x".repeat(1_000_000)).into_bytes()),
        ("20,000 unknown keys", (0..20_000).map(|n| format!("key{n}: 1\n")).collect::<String>().into_bytes()),
        ("20,000 duplicate keys", "version: 1\n".repeat(20_000).into_bytes()),
        ("20,000 documents", "---\n".repeat(20_000).into_bytes()),
        ("100,000 directives", "%FOO bar\n".repeat(100_000).into_bytes()),
        ("not UTF-8", b"version: 1\nname: caf\xe9\n".to_vec()),
        ("UTF-16", b"\xff\xfev\0e\0r\0".to_vec()),
        ("binary", (0u8..=255).cycle().take(100_000).collect()),
        ("empty", Vec::new()),
    ];
    let mut messages = String::new();
    for (what, bytes) in hostile {
        let started = Instant::now();
        let message = load("jobs/daily.yaml", &bytes, &DATASETS, &environment).expect_err(what).to_string();
        // A second in a release build; this is neither, and the machine may be busy.
        assert!(started.elapsed() < Duration::from_secs(10), "{what} took {:?}", started.elapsed());
        let mut lines: Vec<&str> = message.lines().collect();
        if lines.len() > 9 {
            lines.splice(5..lines.len() - 3, ["  [..]"]);
        }
        writeln!(messages, "--- {what}\nerror: {}\n", lines.join("\n")).unwrap();
    }
    insta::assert_snapshot!(messages);
}

/// The same few characters over and over, in case the parser takes the square of their number.
#[test]
fn no_repetition_takes_long() {
    let tokens = [
        "a\n",
        "- a\n",
        ": ",
        ":\n",
        "? a\n",
        "'",
        "''",
        "\"",
        "\\",
        "[]",
        "{}",
        "{},",
        "[a, ",
        "[a: ",
        "{a: b, ",
        "&a ",
        "*a ",
        "! ",
        "!a ",
        "#\n",
        "\n",
        " \n",
        " ",
        "\t",
        "---\n",
        "...\n",
        "%",
        "|\n",
        ">\n",
        ", ",
        "a: ",
        "a:\n",
        "a: b\n",
        "- ",
        "-\n",
        "é",
        "a: |\n  x\n",
        "a: >\n\n",
        "${",
        "${A}",
        "${A:-",
        "$${",
        "<<: ",
        "\r",
        "\u{85}",
        "\u{2028}",
    ];
    for token in tokens {
        for prefix in ["", "version: 1\nname: ", "[", "a: '", "a: \"", "a: |\n "] {
            let text = format!("{prefix}{}", token.repeat(100_000 / token.len()));
            let started = Instant::now();
            let _ = load_text(&text);
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "{token:?} after {prefix:?} took {:?}",
                started.elapsed()
            );
        }
    }
}
