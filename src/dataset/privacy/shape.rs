//! What looks like an e-mail address or a phone number, whoever's it is.

use std::ops::Range;

/// The `@` of an address, as it is and as links have it.
const AT: [&str; 2] = ["@", "%40"];

/// Digits of a number with its country's code, after a `+`.
const INTERNATIONAL: Range<usize> = 7..16;
/// Digits of a number without.
const NATIONAL: Range<usize> = 10..16;

/// Digits that are looked at together, at most: more are no number, and no text may take long.
const DIGITS_MAX: usize = 20;

/// Characters of an address before and after its `@`, at most; RFC 5321 allows 64 and 255.
const LOCAL_CHARS_MAX: usize = 128;
const HOST_CHARS_MAX: usize = 256;

/// The addresses in a text; with the place of the `@` in them.
pub(super) fn emails(text: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let mut found = Vec::new();
    for at in AT {
        for (place, _) in text.match_indices(at) {
            let (before, after) = (&text[..place], &text[place + at.len()..]);
            let is_local = |c: &char| c.is_alphanumeric() || "._%+-'".contains(*c);
            let local =
                before.chars().rev().take(LOCAL_CHARS_MAX).take_while(is_local).map(char::len_utf8).sum::<usize>();
            let local = place - before[place - local..].trim_start_matches(['.', '\'', '%']).len();
            let is_host = |c: &char| c.is_alphanumeric() || ".-".contains(*c);
            let host = after.chars().take(HOST_CHARS_MAX).take_while(is_host).map(char::len_utf8).sum::<usize>();
            let host = after[..host].trim_end_matches(['.', '-']);
            if local < place && host.contains('.') && !host.starts_with('.') {
                let end = place + at.len() + host.len();
                found.push((local..end, place..place + at.len()));
            }
        }
    }
    found
}

/// The phone numbers in a text. `is_known` tells of digits whether they are somebody's number.
pub(super) fn phones(text: &str, is_known: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut place = 0;
    while place < bytes.len() {
        if !(bytes[place].is_ascii_digit() || (bytes[place] == b'+' && next_is_digit(bytes, place))) {
            place += 1;
            continue;
        }
        let end = end_of_number(bytes, place);
        let candidate = &text[place..end];
        let before = text[..place].chars().next_back();
        let after = text[end..].chars().next();
        if after.is_none_or(|c| !c.is_alphanumeric()) && is_phone(candidate, before, &is_known) {
            found.push(place..end);
            place = end;
        } else if let Some(date) = date_chars(candidate) {
            place += date;
        } else {
            // The next group of digits may begin one.
            place += candidate.bytes().skip(1).take_while(u8::is_ascii_digit).count() + 1;
        }
    }
    found
}

/// Whether a value that is said to be a number has enough digits.
pub(super) fn may_be_phone(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 5
}

fn next_is_digit(bytes: &[u8], place: usize) -> bool {
    bytes[place + 1..].iter().find(|byte| **byte != b'(').is_some_and(u8::is_ascii_digit)
}

/// Where digits with at most two separators between them end.
fn end_of_number(bytes: &[u8], begin: usize) -> usize {
    let mut end = begin + 1;
    let (mut digits, mut separators) = (0, 0);
    for (place, byte) in bytes.iter().enumerate().skip(begin + 1) {
        match byte {
            b'0'..=b'9' if digits < DIGITS_MAX => {
                end = place + 1;
                digits += 1;
                separators = 0;
            }
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' if separators < 2 => separators += 1,
            _ => break,
        }
    }
    end
}

fn is_phone(candidate: &str, before: Option<char>, is_known: impl Fn(&str) -> bool) -> bool {
    let digits: String = candidate.chars().filter(char::is_ascii_digit).collect();
    if before.is_some_and(char::is_alphanumeric) {
        return false;
    }
    if candidate.starts_with('+') {
        return INTERNATIONAL.contains(&digits.len());
    }
    if is_known(&digits) {
        return true;
    }
    // What follows these is part of a link, an id, a fraction.
    let stands_alone = before.is_none_or(|c| !"/=_-.:#%&".contains(c));
    stands_alone && NATIONAL.contains(&digits.len()) && date_chars(candidate).is_none() && !is_amount(candidate)
}

/// The length of the date that a text begins with: `2026-03-02`, `02.03.2026`, `02/03/2026`.
fn date_chars(text: &str) -> Option<usize> {
    const CHARS: usize = 10;
    let form: String = text.chars().take(CHARS).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    ["0000-00-00", "00.00.0000", "00/00/0000", "00-00-0000"].contains(&form.as_str()).then_some(CHARS)
}

/// Groups of three digits: `1 200 000 000`.
fn is_amount(text: &str) -> bool {
    let mut groups = text.split([' ', '.']);
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.peekable();
    rest.peek().is_some()
        && !first.starts_with('0')
        && (1..=3).contains(&first.len())
        && rest.all(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))
}
