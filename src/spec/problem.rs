//! What can be wrong with a job spec, said so that its author can mend it: where, what, and how.
//! Only texts and positions; the finding is done elsewhere in `spec`, the printing in `cli`.

use std::fmt;

/// A place in the job file, for people: both count from 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Where the value that is wrong was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The job file as a whole, such as its size.
    File,
    /// A position in the job file.
    At(Position),
    /// A flag of the command line, such as `--from`.
    Flag(&'static str),
}

/// One thing that is wrong. Never holds a secret, nor a value that came from a variable: of such a
/// value it shows the `${VAR}` that stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    /// A lowercase fragment that names the key or the value.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl Problem {
    pub fn new(place: Place, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place, message: message.into(), remedy: remedy.into() }
    }

    /// A problem at a position of the job file.
    pub fn at(position: Position, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Place::At(position), message, remedy)
    }
}

/// `line 7, column 5: unknown dataset …`, without the remedy.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::File => write!(f, "{}", self.message),
            Place::At(position) => write!(f, "{position}: {}", self.message),
            Place::Flag(flag) => write!(f, "`{flag}`: {}", self.message),
        }
    }
}

/// All that is wrong with one job spec, in the order of the file. Never empty.
///
/// Its text has several lines and wants `error: ` before it:
///
/// ```text
/// job spec `jobs/daily.yaml` is invalid
///   line 7, column 5: unknown dataset `transcript`
/// hint: did you mean `transcripts`? known datasets: activity_stats, calls, parties, transcripts, users
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file as the user named it.
    pub file: String,
    pub problems: Vec<Problem>,
    /// How many more there are than [`Problems::problems`] holds.
    pub unlisted: usize,
}

impl Problems {
    /// For one problem that is found later than loading, such as a user whom Gong does not know.
    pub fn one(file: impl Into<String>, problem: Problem) -> Self {
        Self { file: file.into(), problems: vec![problem], unlisted: 0 }
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = visible(&self.file);
        if self.problems.iter().all(|problem| matches!(problem.place, Place::Flag(_))) {
            write!(f, "invalid arguments for job spec `{file}`")?;
        } else {
            write!(f, "job spec `{file}` is invalid")?;
        }
        if let [problem] = self.problems.as_slice() {
            return write!(f, "\n  {problem}\nhint: {}", problem.remedy);
        }
        write!(f, ": {} problems", self.problems.len() + self.unlisted)?;
        for problem in &self.problems {
            write!(f, "\n  {problem}\n    hint: {}", problem.remedy)?;
        }
        if self.unlisted > 0 {
            write!(f, "\n  and {} more", self.unlisted)?;
        }
        Ok(())
    }
}

/// Collects problems while the rest of the spec is still being looked at.
#[derive(Debug, Default)]
pub(super) struct Notes {
    problems: Vec<Problem>,
    unlisted: usize,
}

impl Notes {
    /// A file of a megabyte can hold a hundred thousand unknown keys; nobody reads so many.
    const LISTED_MAX: usize = 50;

    pub(super) fn add(&mut self, problem: Problem) {
        if self.problems.len() < Self::LISTED_MAX {
            self.problems.push(problem);
        } else {
            self.unlisted += 1;
        }
    }

    pub(super) fn at(&mut self, position: Position, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(Problem::at(position, message, remedy));
    }

    /// `None` when nothing was noted.
    pub(super) fn into_problems(mut self, file: &str) -> Option<Problems> {
        if self.problems.is_empty() {
            return None;
        }
        self.problems.sort_by_key(|problem| problem.place);
        Some(Problems { file: file.to_owned(), problems: self.problems, unlisted: self.unlisted })
    }
}

/// Text from outside as it may stand in a message: in backticks, [`visible`], and not endless.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 100;
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("`{}…`", visible(&text[..end])),
        None => format!("`{}`", visible(text)),
    }
}

/// Text without characters that would move a terminal's cursor or turn the direction of writing.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// A URL as it may stand in a message: without the user name and password it may have, and without the
/// query, where signatures are.
pub(super) fn quoted_url(url: &str) -> String {
    let (url, query) = match url.split_once('?') {
        Some((url, _)) => (url, "?…"),
        None => (url, ""),
    };
    match url.rsplit_once('@') {
        Some((_, after)) => quoted(&format!("…@{after}{query}")),
        None => quoted(&format!("{url}{query}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(place: Place, message: &str) -> Problem {
        Problem::new(place, message, "mend it")
    }

    #[test]
    fn one_problem_has_its_hint_below() {
        let problems =
            Problems::one("jobs/daily.yaml", problem(Place::At(Position { line: 7, column: 5 }), "unknown dataset"));
        assert_eq!(
            problems.to_string(),
            "job spec `jobs/daily.yaml` is invalid\n  line 7, column 5: unknown dataset\nhint: mend it"
        );
    }

    #[test]
    fn several_problems_come_in_the_order_of_the_file() {
        let mut notes = Notes::default();
        notes.add(problem(Place::At(Position { line: 9, column: 1 }), "later"));
        notes.add(problem(Place::At(Position { line: 2, column: 8 }), "sooner"));
        assert_eq!(
            notes.into_problems("a.yaml").unwrap().to_string(),
            "job spec `a.yaml` is invalid: 2 problems\n  line 2, column 8: sooner\n    hint: mend it\n  \
             line 9, column 1: later\n    hint: mend it"
        );
    }

    #[test]
    fn problems_beyond_the_limit_are_counted() {
        let mut notes = Notes::default();
        for line in 1..=60 {
            notes.add(problem(Place::At(Position { line, column: 1 }), "again"));
        }
        let text = notes.into_problems("a.yaml").unwrap().to_string();
        assert!(text.starts_with("job spec `a.yaml` is invalid: 60 problems\n"), "{text}");
        assert!(text.ends_with("\n  and 10 more"), "{text}");
    }

    #[test]
    fn a_flag_is_not_blamed_on_the_file() {
        let problems = Problems::one("a.yaml", problem(Place::Flag("--from"), "`soon` is not a date"));
        assert_eq!(
            problems.to_string(),
            "invalid arguments for job spec `a.yaml`\n  `--from`: `soon` is not a date\nhint: mend it"
        );
    }

    #[test]
    fn shown_urls_keep_their_secrets() {
        assert_eq!(quoted_url("https://key:sec@ret@host.example/a"), "`…@host.example/a`");
        assert_eq!(quoted_url("az://box/a?sig=secret"), "`az://box/a?…`");
        assert_eq!(quoted_url("key:secret@host?x=key@secret"), "`…@host?…`");
        assert_eq!(quoted_url("https://host.example"), "`https://host.example`");
    }

    #[test]
    fn shown_text_cannot_steer_a_terminal() {
        assert_eq!(quoted("a\u{1b}[2Jb\n\u{202e}c"), "`a\\u{1b}[2Jb\\n\\u{202e}c`");
        assert_eq!(quoted("it's \"fine\" C:\\x é漢"), "`it's \"fine\" C:\\x é漢`");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), 103);
    }
}
