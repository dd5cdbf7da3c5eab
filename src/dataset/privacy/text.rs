//! Replacing personal data within a text.

use std::ops::Range;

use super::people::{Care, People};
use super::pseudonym::Kinds;
use super::{Kind, shape};

/// Something to replace.
struct Span {
    range: Range<usize>,
    kind: Kind,
    original: String,
    /// How an address writes its `@`.
    at: &'static str,
}

/// The text with everything replaced that is recognised; `None` when nothing is.
pub(super) fn rewrite(
    text: &str,
    kinds: Kinds,
    known: &[Option<&People>],
    mut pseudonym: impl FnMut(Kind, &str) -> String,
) -> Option<String> {
    let spans = spans(text, kinds, known);
    if spans.is_empty() {
        return None;
    }
    let mut rewritten = String::with_capacity(text.len() + spans.len() * 16);
    let mut done = 0;
    for span in spans {
        rewritten.push_str(&text[done..span.range.start]);
        let replacement = pseudonym(span.kind, &span.original);
        match span.at {
            "@" => rewritten.push_str(&replacement),
            at => rewritten.push_str(&replacement.replace('@', at)),
        }
        done = span.range.end;
    }
    rewritten.push_str(&text[done..]);
    Some(rewritten)
}

/// What to replace, in order and apart from each other.
fn spans(text: &str, kinds: Kinds, known: &[Option<&People>]) -> Vec<Span> {
    let mut spans = Vec::new();
    // An address that may stay must not lose the name in it.
    let mut kept: Vec<Range<usize>> = Vec::new();
    if text.contains(['@', '%']) {
        for (range, at) in shape::emails(text) {
            if !kinds.email {
                kept.push(range);
                continue;
            }
            let original = format!("{}@{}", &text[range.start..at.start], &text[at.end..range.end]);
            let at = if text[at].len() == 1 { "@" } else { "%40" };
            spans.push(Span { range, kind: Kind::Email, original, at });
        }
    }
    kept.sort_by_key(|kept| kept.end);
    if kinds.phone && text.bytes().any(|byte| byte.is_ascii_digit()) {
        let is_known = |digits: &str| known.iter().flatten().any(|people| people.has_phone(digits));
        for range in shape::phones(text, is_known) {
            let original = text[range.clone()].to_owned();
            spans.push(Span { range, kind: Kind::Phone, original, at: "@" });
        }
    }
    let links = links(text);
    for people in known.iter().flatten() {
        people.find(text, |pattern, range| {
            let next = kept.partition_point(|kept| kept.end <= range.start);
            let is_kept = kept.get(next).is_some_and(|kept| kept.start < range.end);
            if !is_kept && is_whole(text, &range) && is_meant(text, range.start, pattern.care, &links) {
                spans.push(Span { range, kind: pattern.kind, original: pattern.original.clone(), at: "@" });
            }
        });
    }
    join(spans)
}

/// Makes one span of those that overlap: nothing of either may stay. The longest says what it was.
fn join(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.range.start, usize::MAX - span.range.end));
    let mut joined: Vec<(Span, usize)> = Vec::with_capacity(spans.len());
    for span in spans {
        let chars = span.range.len();
        match joined.last_mut() {
            Some((last, longest)) if span.range.start < last.range.end => {
                let range = last.range.start..last.range.end.max(span.range.end);
                if chars > *longest {
                    *longest = chars;
                    *last = span;
                }
                last.range = range;
            }
            _ => joined.push((span, chars)),
        }
    }
    joined.into_iter().map(|(span, _)| span).collect()
}

/// Whether it is no part of a longer word.
fn is_whole(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}

fn is_meant(text: &str, place: usize, care: Care, links: &[Range<usize>]) -> bool {
    let is_in_link = || links.get(links.partition_point(|link| link.end <= place)).is_some_and(|l| l.start <= place);
    match care {
        Care::Anywhere => true,
        Care::Capital => text[place..].chars().next().is_some_and(|c| !c.is_lowercase()) || is_in_link(),
        Care::Link => is_in_link(),
    }
}

/// The links in a text, each from its `://` on.
fn links(text: &str) -> Vec<Range<usize>> {
    let mut links: Vec<Range<usize>> = Vec::new();
    for (begin, _) in text.match_indices("://") {
        if links.last().is_none_or(|link| link.end <= begin) {
            let chars = text[begin..].find(char::is_whitespace).unwrap_or(text.len() - begin);
            links.push(begin..begin + chars);
        }
    }
    links
}
