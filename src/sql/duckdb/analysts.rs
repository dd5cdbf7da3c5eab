//! What analysts ask of the views of datasets: views and macros over them, each written in a file of
//! its own here. Only what the job's datasets allow is defined; the script says what is left out.
//!
//! In the files, `{dataset}` stands for a dataset that may be missing (then for its columns without
//! rows), `{partition}` for the partition's column of calls and `{unit}` for its length, `{day}` for a
//! call's day and `{in_range}` for the condition of macros that have `from_date` and `to_date`.

use crate::calendar::PartitionBy;
use crate::dataset;
use crate::sql::{Script, text};

/// A view or macro.
struct Relation {
    name: &'static str,
    /// The datasets without which it makes no sense.
    needs: &'static [&'static str],
    /// Those that add to it.
    uses: &'static [&'static str],
    sql: &'static str,
}

/// In an order in which each can be defined.
const RELATIONS: [Relation; 9] = [
    Relation { name: "mm_ss", needs: &[], uses: &[], sql: include_str!("analysts/mm_ss.sql") },
    Relation { name: "users_current", needs: &["users"], uses: &[], sql: include_str!("analysts/users_current.sql") },
    Relation { name: "meetings", needs: &["calls"], uses: &[], sql: include_str!("analysts/meetings.sql") },
    Relation { name: "free_mail_domains", needs: &[], uses: &[], sql: include_str!("analysts/free_mail_domains.sql") },
    Relation {
        name: "call_accounts",
        needs: &["calls"],
        uses: &["parties", "call_crm_fields"],
        sql: include_str!("analysts/call_accounts.sql"),
    },
    Relation {
        name: "search_calls",
        needs: &["calls"],
        uses: &["transcripts", "call_topics", "call_trackers"],
        sql: include_str!("analysts/search_calls.sql"),
    },
    Relation {
        name: "call_transcript",
        needs: &["transcripts"],
        uses: &[],
        sql: include_str!("analysts/call_transcript.sql"),
    },
    Relation {
        name: "talk_ratio",
        needs: &["calls", "parties"],
        uses: &[],
        sql: include_str!("analysts/talk_ratio.sql"),
    },
    Relation {
        name: "calls_per_rep",
        needs: &["calls"],
        uses: &["users"],
        sql: include_str!("analysts/calls_per_rep.sql"),
    },
];

/// All that the script's datasets allow, and comments about the rest.
pub(super) fn sql(script: &Script<'_>) -> String {
    let mut out = String::new();
    for relation in &RELATIONS {
        out.push('\n');
        let absent = |names: &[&'static str]| -> Vec<&'static str> {
            names.iter().copied().filter(|name| !has(script, name)).collect()
        };
        let needed = absent(relation.needs);
        if !needed.is_empty() {
            out.push_str(&note(relation.name, "is left out", &needed));
            continue;
        }
        let missed = absent(relation.uses);
        if !missed.is_empty() {
            out.push_str(&note(relation.name, "does with less", &missed));
        }
        out.push_str(&filled(relation, script));
    }
    out
}

fn note(name: &str, what: &str, without: &[&str]) -> String {
    text::comment(&[format!("{name} {what}: the job has no {}", without.join(", "))])
}

fn has(script: &Script<'_>, name: &str) -> bool {
    script.tables.iter().any(|table| table.dataset.name == name)
}

/// The text of a relation with all that stands for something replaced.
fn filled(relation: &Relation, script: &Script<'_>) -> String {
    // The day in a path is one of the job's zone. Where paths are months, the session's zone decides.
    let (unit, partition, day, in_range) = match script.partition_by {
        PartitionBy::Day => (
            "day",
            "call_date",
            "call_date",
            "call_date >= coalesce(from_date::DATE, DATE '0001-01-01')\n        \
             AND call_date < coalesce(to_date::DATE, DATE '9999-12-31')",
        ),
        PartitionBy::Month => (
            "month",
            "call_month",
            "call_started_at::DATE",
            "call_month >= coalesce(date_trunc('month', from_date::DATE)::DATE, DATE '0001-01-01')\n        \
             AND call_month < coalesce(to_date::DATE, DATE '9999-12-31')\n        \
             AND call_started_at::DATE >= coalesce(from_date::DATE, DATE '0001-01-01')\n        \
             AND call_started_at::DATE < coalesce(to_date::DATE, DATE '9999-12-31')",
        ),
    };
    let mut sql = relation.sql.to_owned();
    for (place, value) in [("{in_range}", in_range), ("{partition}", partition), ("{unit}", unit), ("{day}", day)] {
        sql = sql.replace(place, value);
    }
    for name in relation.needs.iter().chain(relation.uses) {
        let place = format!("{{{name}}}");
        if !sql.contains(&place) {
            continue;
        }
        let source = match dataset::find(name) {
            Some(dataset) if !has(script, name) => {
                format!("({})", super::typed(&script.fields(dataset), script.partition_column(dataset), &[]))
            }
            _ => (*name).to_owned(),
        };
        sql = sql.replace(&place, &source);
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, group};
    use crate::sql::{Root, Table};

    fn script(datasets: &[&'static Dataset], partition_by: PartitionBy) -> String {
        let tables = datasets.iter().map(|dataset| Table { dataset, files: Vec::new() }).collect();
        let root = Root::parse("/data").unwrap();
        let run = None;
        sql(&Script {
            job: "test",
            tool_version: "0",
            root,
            copy_of: None,
            s3_endpoint: None,
            partition_by,
            run,
            tables,
        })
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for partition_by in [PartitionBy::Day, PartitionBy::Month] {
            for names in [&["all"][..], &["calls"], &["parties"], &["calls", "parties"], &[]] {
                let text = script(&group::expand(names), partition_by);
                let place = place_left(&text);
                assert_eq!(place, None, "{names:?}");
            }
        }
    }

    /// The first `{word}` of a text.
    fn place_left(text: &str) -> Option<&str> {
        text.match_indices('{').map(|(at, _)| &text[at + 1..]).find_map(|rest| {
            let word = rest.split_once('}')?.0;
            (word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')).then_some(word)
        })
    }

    #[test]
    fn what_a_job_does_not_allow_is_named() {
        let text = script(&group::expand(&["calls"]), PartitionBy::Day);
        assert!(text.contains("-- users_current is left out: the job has no users\n"), "{text}");
        assert!(text.contains("-- talk_ratio is left out: the job has no parties\n"), "{text}");
        let less = "-- search_calls does with less: the job has no transcripts, call_topics, call_trackers\n";
        assert!(text.contains(less), "{text}");
        assert!(!text.contains("MACRO talk_ratio"), "{text}");
    }

    #[test]
    fn no_relation_has_the_name_of_a_dataset_or_uses_one_that_does_not_exist() {
        for relation in &RELATIONS {
            assert!(dataset::find(relation.name).is_none(), "{}", relation.name);
            for name in relation.needs.iter().chain(relation.uses) {
                assert!(dataset::find(name).is_some(), "{}: {name}", relation.name);
            }
            let begin = format!(" {}", relation.name);
            assert!(
                relation.sql.starts_with("CREATE OR REPLACE") && relation.sql.contains(&begin),
                "{}",
                relation.name
            );
        }
    }
}
