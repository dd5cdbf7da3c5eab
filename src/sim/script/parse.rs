//! Reads the dialogue files.

use super::{Exchange, Intent, Piece, Role, Script, Section, Slot, Template, Turn};

/// Reads a file. The files are part of the program, so a fault in one is a bug, found by the
/// tests below; lines that mean nothing are dropped.
pub(super) fn script(text: &'static str) -> Script {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            sections.push(header(text));
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        if let Some(summary) = line.strip_prefix("> ") {
            let tagged = summary.strip_prefix('[').and_then(|rest| rest.split_once("] "));
            let (outcome, summary) = tagged.map_or((None, summary), |(tag, rest)| (Some(tag), rest));
            section.exchanges.push(Exchange { summary: template(summary), outcome, turns: Vec::new() });
        } else if let (Some((role, said)), Some(exchange)) = (line.split_once(": "), section.exchanges.last_mut())
            && let Some(role) = role_of(role)
        {
            exchange.turns.push(Turn { role, sentences: split_sentences(said).map(template).collect() });
        }
    }
    Script { sections }
}

fn header(header: &'static str) -> Section {
    let mut parts = header.split(" | ");
    let topic = parts.next().unwrap_or_default();
    let once = parts.next() == Some("once");
    let mut intents = 0;
    for name in parts.next().unwrap_or_default().split(' ') {
        if let Some((intent, _)) = Intent::ALL.iter().find(|(_, known)| *known == name) {
            intents |= intent.bit();
        }
    }
    Section { topic, once, exchanges: Vec::new(), intents }
}

fn role_of(letter: &str) -> Option<Role> {
    match letter {
        "R" => Some(Role::Rep),
        "S" => Some(Role::Colleague),
        "B" => Some(Role::Buyer),
        "C" => Some(Role::Other),
        _ => None,
    }
}

/// Cuts after `.`, `?` or `!` when a space and something that can start a sentence follow.
fn split_sentences(text: &'static str) -> impl Iterator<Item = &'static str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let end = current.char_indices().find_map(|(at, character)| {
            let next = current[at + character.len_utf8()..].strip_prefix(' ')?.chars().next()?;
            let starts = next.is_uppercase() || next.is_ascii_digit() || "{[¿".contains(next);
            (".?!".contains(character) && starts).then_some(at + character.len_utf8())
        });
        let Some(end) = end else {
            rest = None;
            return Some(current);
        };
        rest = Some(current[end..].trim_start());
        Some(&current[..end])
    })
}

pub(super) fn template(text: &'static str) -> Template {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '[']) {
        let close = if rest[open..].starts_with('{') { '}' } else { ']' };
        let Some(length) = rest[open..].find(close) else { break };
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        let inside = &rest[open + 1..open + length];
        if close == ']' {
            pieces.push(Piece::Choice(inside.split('|').collect()));
        } else if let Some((slot, _)) = Slot::ALL.iter().find(|(_, name)| *name == inside) {
            pieces.push(Piece::Slot(*slot));
        }
        rest = &rest[open + length + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Template(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::rng::{Rng, Stream};
    use crate::sim::script::{Facts, Language};

    const FILES: [&str; 4] = [
        include_str!("english.txt"),
        include_str!("german.txt"),
        include_str!("french.txt"),
        include_str!("spanish.txt"),
    ];

    #[test]
    fn every_line_means_something() {
        for line in FILES.iter().flat_map(|file| file.lines()) {
            let known = line.is_empty()
                || line.starts_with("# ")
                || line.starts_with("> ")
                || line.strip_prefix("## ").is_some_and(header_is_whole)
                || line.split_once(": ").is_some_and(|(role, _)| role_of(role).is_some());
            assert!(known, "{line}");
            let mut rest = line;
            while let Some((_, after)) = rest.split_once('{') {
                let (name, after) = after.split_once('}').expect(line);
                assert!(Slot::ALL.iter().any(|(_, known)| *known == name), "{line}");
                rest = after;
            }
        }
    }

    fn header_is_whole(header: &str) -> bool {
        let parts: Vec<&str> = header.split(" | ").collect();
        parts.len() == 3
            && ["once", "many"].contains(&parts[1])
            && parts[2].split(' ').all(|name| Intent::ALL.iter().any(|(_, known)| *known == name))
    }

    #[test]
    fn slots_and_intents_stand_at_their_own_place() {
        for (at, (slot, name)) in Slot::ALL.iter().enumerate() {
            assert_eq!(*slot as usize, at, "{name}");
        }
        for (at, (intent, name)) in Intent::ALL.iter().enumerate() {
            assert_eq!(*intent as usize, at, "{name}");
        }
    }

    #[test]
    fn every_call_can_be_held_in_every_language() {
        for language in Language::ALL {
            let script = Script::of(language);
            for (intent, name) in Intent::ALL {
                if intent.is_internal() && language != Language::English {
                    continue;
                }
                assert!(script.capacity(intent) > 2, "{language:?} {name}");
                assert!(script.sections(intent).all(|section| !section.exchanges.is_empty()));
            }
        }
        let english = Script::of(Language::English);
        for intent in [Intent::Discovery, Intent::Demo, Intent::Negotiation] {
            assert!(english.capacity(intent) > 150, "{intent:?}: {}", english.capacity(intent));
        }
    }

    #[test]
    fn sentences_are_cut_at_their_ends_only() {
        let cut = |text| split_sentences(text).collect::<Vec<_>>();
        assert_eq!(cut("Good. And 3.5 percent? Yes!"), ["Good.", "And 3.5 percent?", "Yes!"]);
        assert_eq!(cut("Vous m'entendez bien ? Oui."), ["Vous m'entendez bien ?", "Oui."]);
    }

    #[test]
    fn facts_are_filled_in() {
        let facts = Facts::new(|slot| format!("{slot:?}").to_lowercase());
        let mut text = String::new();
        let mut rng = Rng::new(1, Stream::Conversation, &[]);
        template("{company} likes {module2}, [a|a].").fill(&facts, &mut rng, &mut text);
        assert_eq!(text, "Company likes module2, a.");
    }
}
