//! The world agrees with itself: what is said of a call agrees with what was said in it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::analysis::{self, TRACKERS};
use super::call::Call;
use super::conversation::{Conversation, Sentence};
use super::head::{day_number, day_of_number};
use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn world(config: Config) -> World {
    World::new(config).unwrap()
}

fn day(text: &str) -> u32 {
    day_number(text.parse::<NaiveDate>().unwrap())
}

/// All calls of two weeks.
fn each_call(world: &World, mut visit: impl FnMut(&Call, &Conversation)) {
    for day in day("2026-03-02")..day("2026-03-16") {
        for head in world.heads(day).iter() {
            let call = world.call(head);
            let conversation = world.conversation(&call);
            visit(&call, &conversation);
        }
    }
}

/// The words of a text, in small letters.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// How often a phrase is said, counted word by word, unlike the code under test.
fn count_words(said: &[String], wanted: &[String]) -> usize {
    let (last, before) = wanted.split_last().unwrap();
    let plural = format!("{last}s");
    said.windows(wanted.len())
        .filter(|window| {
            let end = &window[wanted.len() - 1];
            window[..wanted.len() - 1] == *before && (end == last || *end == plural)
        })
        .count()
}

#[test]
fn trackers_count_what_was_said() {
    let mut finds = 0;
    each_call(&world(Config::default()), |call, conversation| {
        let speakers: BTreeSet<Option<usize>> = conversation.monologues.iter().map(|m| m.seat).collect();
        let said: Vec<Vec<String>> = conversation.sentences.iter().map(|s| words(conversation.text_of(s))).collect();
        for tracked in analysis::trackers(conversation) {
            let found: BTreeMap<&str, usize> = tracked.phrases.iter().map(|(p, o)| (*p, o.len())).collect();
            for phrase in TRACKERS[tracked.tracker].phrases {
                let wanted = words(phrase);
                let count: usize = said.iter().map(|sentence| count_words(sentence, &wanted)).sum();
                assert_eq!(count, found.get(phrase).copied().unwrap_or(0), "{phrase} in {}", call.title);
            }
            for (phrase, occurrences) in &tracked.phrases {
                finds += occurrences.len();
                for occurrence in occurrences {
                    assert!(speakers.contains(&occurrence.seat));
                    let is_meant = |s: &&Sentence| (s.start_ms..=s.end_ms).contains(&occurrence.at_ms);
                    let sentence = conversation.sentences.iter().find(is_meant).unwrap();
                    assert!(count_words(&words(conversation.text_of(sentence)), &words(phrase)) > 0);
                }
            }
        }
    });
    assert!(finds > 500, "{finds}");
}

#[test]
fn sentences_follow_each_other_within_the_call() {
    each_call(&world(Config::default()), |call, conversation| {
        assert!(!conversation.sentences.is_empty(), "{}", call.title);
        let mut last_end = 0;
        for sentence in &conversation.sentences {
            assert!(last_end <= sentence.start_ms && sentence.start_ms < sentence.end_ms);
            last_end = sentence.end_ms;
            let text = conversation.text_of(sentence);
            assert!(!text.is_empty() && !text.contains(['{', '[', '|']), "{text}");
            assert!(text.chars().next().is_some_and(|c| !c.is_lowercase()), "{text}");
        }
        assert!(last_end <= call.head.duration * 1000);
        // Monologues cover the sentences without gap or overlap.
        let mut next = 0;
        for monologue in &conversation.monologues {
            assert_eq!(monologue.sentences.start, next);
            next = monologue.sentences.end;
        }
        assert_eq!(next, conversation.sentences.len());
    });
}

#[test]
fn times_and_topics_are_sums_over_sentences() {
    each_call(&world(Config { null_speakers: 0.3, ..Config::default() }), |call, conversation| {
        let mut talked: BTreeMap<usize, u64> = BTreeMap::new();
        let mut topics: BTreeMap<&str, u32> = BTreeMap::new();
        for monologue in &conversation.monologues {
            let sentences = conversation.sentences_of(monologue);
            if let Some(seat) = monologue.seat {
                let spoken: u32 = sentences.iter().map(|s| s.end_ms - s.start_ms).sum();
                *talked.entry(seat).or_default() += u64::from(spoken);
            }
            if let Some(topic) = monologue.topic_found() {
                *topics.entry(topic).or_default() += sentences[sentences.len() - 1].end_ms - sentences[0].start_ms;
            }
        }
        for seat in 0..call.seats.len() {
            assert_eq!(conversation.talk_ms(seat), talked.get(&seat).copied().unwrap_or(0));
        }
        let found: BTreeMap<&str, u32> = analysis::topics(conversation).into_iter().collect();
        assert_eq!(found, topics.into_iter().map(|(topic, ms)| (topic, (ms + 500) / 1000)).collect());
    });
}

#[test]
fn outcomes_and_next_steps_come_from_the_talk() {
    let mut outcomes: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    each_call(&world(Config::default()), |call, conversation| {
        let outcome = analysis::call_outcome(conversation).map(|o| o.id);
        *outcomes.entry(outcome).or_default() += 1;
        assert_eq!(outcome.is_some(), !analysis::next_steps(conversation).is_empty());
        assert_eq!(outcome == Some("LEFT_VOICEMAIL"), call.head.intent == Intent::Voicemail);
        assert!(analysis::brief(call, conversation).ends_with('.'));
    });
    assert!(outcomes[&None] > 10);
    // Every outcome that the scripts know occurs and is in the list.
    assert_eq!(outcomes.len(), analysis::OUTCOMES.len() + 1);
}

#[test]
fn whoever_speaks_is_a_party_who_attended() {
    let world = world(Config::default());
    let (mut silent, mut callers, mut unlisted) = (0, 0, 0);
    each_call(&world, |call, conversation| {
        let Some(parties) = world.parties(call, Some(conversation)) else {
            unlisted += 1;
            return;
        };
        for (seat, party) in parties.iter().enumerate() {
            assert_eq!(party.speaker_id.is_some(), conversation.talk_ms(seat) > 0);
            assert!(party.attended || party.speaker_id.is_none());
            assert!(party.invited || party.attended);
        }
        silent += parties.iter().filter(|p| p.speaker_id.is_none()).count();
        callers += parties.iter().filter(|p| p.name.as_deref() == Some("Phone Caller #1")).count();
    });
    assert!(silent > 50 && callers > 5 && unlisted > 3, "{silent} {callers} {unlisted}");
}

#[test]
fn ids_never_repeat() {
    let world = world(Config::default());
    let mut ids = BTreeSet::new();
    let mut made = 0;
    each_call(&world, |call, conversation| {
        let parties = world.parties(call, Some(conversation)).unwrap_or_default();
        let of_call = std::iter::once(world.call_id(&call.head));
        for id in of_call.chain(parties.iter().flat_map(|p| [Some(p.id), p.speaker_id]).flatten()) {
            ids.insert(id);
            made += 1;
        }
    });
    for user in &world.staff.users {
        ids.insert(world.user_id(user.number));
        made += 1;
    }
    assert_eq!(ids.len(), made);
}

#[test]
fn calls_are_about_as_long_as_wanted_and_hardly_repeat_themselves() {
    for wanted in [90, 230] {
        let (mut calls, mut sentences, mut repeated) = (0, 0, 0);
        each_call(&world(Config { sentences_per_call: wanted, ..Config::default() }), |_, conversation| {
            calls += 1;
            sentences += conversation.sentences.len();
            let texts: BTreeSet<&str> = conversation.sentences.iter().map(|s| conversation.text_of(s)).collect();
            repeated += conversation.sentences.len() - texts.len();
        });
        let average = sentences / calls;
        assert!((wanted as usize * 7 / 10..=wanted as usize * 13 / 10).contains(&average), "{average}");
        if wanted == 90 {
            assert!(repeated * 50 < sentences, "{repeated} of {sentences}");
        }
    }
}

#[test]
fn two_calls_differ_and_one_company_stays_itself() {
    let world = world(Config { calls_per_day: 60, ..Config::default() });
    let mut talks = BTreeSet::new();
    let mut calls = 0;
    let mut tools: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    each_call(&world, |call, conversation| {
        let text: String = conversation.sentences.iter().map(|s| conversation.text_of(s)).collect();
        talks.insert(text);
        calls += 1;
        let tool = call.facts.get(crate::sim::script::Slot::Tool).to_owned();
        tools.entry(call.head.company).or_default().insert(tool);
    });
    assert_eq!(talks.len(), calls);
    assert!(tools.len() < calls && tools.values().all(|tools| tools.len() == 1));
}

#[test]
fn every_call_starts_on_its_own_day_in_every_zone() {
    let days = ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-25", "2026-11-01", "2026-06-01"];
    for timezone in ["America/New_York", "Pacific/Kiritimati", "Australia/Lord_Howe", "Africa/Cairo", "US/Pacific"] {
        let world = world(Config { timezone: timezone.to_owned(), calls_per_day: 200, ..Config::default() });
        for number in days.map(day) {
            let heads = world.heads(number);
            assert!(!heads.is_empty());
            assert!(heads.iter().all(|head| world.day_of(head.started()) == day_of_number(number)), "{timezone}");
            assert!(heads.is_sorted_by_key(Head::position));
        }
    }
}

#[test]
fn a_call_is_found_by_its_id_alone() {
    let world = world(Config::default());
    let heads = world.heads(day("2026-03-04"));
    let fresh = World::new(Config::default()).unwrap();
    for head in heads.iter() {
        let found = fresh.find_call(&fresh.call_id(head).to_string()).unwrap();
        assert_eq!(found.position(), head.position());
    }
    // Ids of other things are no calls.
    assert!(fresh.find_call(&fresh.user_id(3).to_string()).is_none());
    assert!(fresh.find_call("18446744073709551616").is_none());
}

#[test]
fn a_walk_through_years_keeps_memory_bounded() {
    let world = world(Config { calls_per_day: 400, ..Config::default() });
    let mut walked = 0_usize;
    world.scan(Span::ALWAYS, at("2026-03-20T00:00:00Z"), |_| {
        walked += 1;
        true
    });
    assert!(walked > HEADS_KEPT, "{walked}");
    let kept: usize = world.days.lock().unwrap().values().map(|heads| heads.len()).sum();
    assert!(kept <= HEADS_KEPT, "{kept}");
}

#[test]
fn weekends_are_lighter() {
    let world = world(Config::default());
    let count = |from: &str| world.heads(day(from)).len();
    assert!(count("2026-03-04") > 30);
    assert!(count("2026-03-07") + count("2026-03-08") < 20);
    assert!(world.heads(day("2023-12-31")).is_empty(), "before the first day");
}
