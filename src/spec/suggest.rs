//! "did you mean …?" for misspelt keys, datasets and other names. Pure.

/// The candidate nearest to `word` when it is near enough to be meant; case does not count.
pub(super) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name of ours is longer, and the effort grows with the square.
    const WORD_CHARS_MAX: usize = 64;
    let word: Vec<char> = word.to_lowercase().chars().take(WORD_CHARS_MAX).collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.to_lowercase().chars().collect();
        let edits = distance(&word, &letters);
        let near_enough = edits <= (letters.len() / 3).max(1);
        if near_enough && best.is_none_or(|(fewest, _)| edits < fewest) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut edits = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            edits[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = edits[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut fewest = replaced.min(edits[i - 1][j] + 1).min(edits[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    fewest = fewest.min(edits[i - 2][j - 2] + 1);
                }
                fewest
            };
        }
    }
    edits[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 5] = ["name", "range", "users", "transcripts", "activity_stats"];

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(closest("nmae", KEYS), Some("name"));
        assert_eq!(closest("transcript", KEYS), Some("transcripts"));
        assert_eq!(closest("activity-stat", KEYS), Some("activity_stats"));
        assert_eq!(closest("Users", KEYS), Some("users"));
    }

    #[test]
    fn does_not_guess_wildly() {
        for word in ["", "schedule", "x", "naïveté", "deals"] {
            assert_eq!(closest(word, KEYS), None, "{word}");
        }
    }

    #[test]
    fn a_very_long_word_costs_little() {
        assert_eq!(closest(&"n".repeat(1_000_000), KEYS), None);
    }
}
