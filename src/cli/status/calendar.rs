//! Partitions as a calendar for the terminal: a line a month with a character a day, or a line a year
//! with a character a month. Pure.

use std::collections::BTreeMap;

use chrono::Datelike;

use super::mark::Mark;
use crate::calendar::{Partition, PartitionBy};

/// So many lines of nothing but missing partitions, and more, are drawn as one.
const MISSING_LINES_MAX: usize = 2;

/// A line before it is drawn.
struct Line {
    /// The month's number since year 0, or the year: lines that follow each other differ by one.
    number: i32,
    label: String,
    /// By position; `None` is drawn as a space.
    marks: Vec<Option<Mark>>,
}

impl Line {
    fn is_missing(&self) -> bool {
        self.marks.iter().flatten().all(|mark| *mark == Mark::Missing)
    }
}

/// Draws the partitions: days first, then months, each below a ruler. `paint` colours a run of equal
/// characters.
pub(super) fn lines(marks: &BTreeMap<Partition, Mark>, paint: &dyn Fn(Mark, &str) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    for (by, ruler) in [(PartitionBy::Day, days_ruler()), (PartitionBy::Month, "JFMAMJJASOND".to_owned())] {
        let drawn = group(marks.iter().filter(|(partition, _)| partition.by() == by));
        let Some(width) = drawn.iter().map(|line| line.label.len()).max() else { continue };
        lines.push(format!("{:width$}  {ruler}", ""));
        let mut rest = drawn.as_slice();
        let mut last: Option<i32> = None;
        while let [line, ..] = rest {
            if last.is_some_and(|last| last + 1 < line.number) {
                lines.push(format!("{:width$}  …", ""));
            }
            let run = missing_run(rest);
            let (now, later) = rest.split_at(if run > MISSING_LINES_MAX { run } else { 1 });
            if let [first, .., until] = now {
                let missing = now.iter().map(|line| line.marks.iter().flatten().count()).sum::<usize>();
                let text = format!("all {missing} missing to {}", until.label);
                lines.push(format!("{:width$}  {}", first.label, paint(Mark::Missing, &text)));
            } else {
                lines.push(format!("{:width$}  {}", line.label, draw(&line.marks, paint)).trim_end().to_owned());
            }
            last = now.last().map(|line| line.number);
            rest = later;
        }
    }
    lines
}

/// How many lines from the first on follow each other and have nothing but missing partitions.
fn missing_run(lines: &[Line]) -> usize {
    let numbers = lines.first().map_or(0, |line| line.number)..;
    lines.iter().zip(numbers).take_while(|(line, number)| line.number == *number && line.is_missing()).count()
}

/// Partitions of one kind, in order of time, as lines.
fn group<'a>(marks: impl Iterator<Item = (&'a Partition, &'a Mark)>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (partition, mark) in marks {
        let first_day = partition.first_day();
        let (number, place, length, label) = match partition.by() {
            PartitionBy::Day => (
                first_day.year() * 12 + first_day.month0() as i32,
                first_day.day0() as usize,
                31,
                first_day.format("%Y-%m").to_string(),
            ),
            PartitionBy::Month => {
                (first_day.year(), first_day.month0() as usize, 12, first_day.format("%Y").to_string())
            }
        };
        if lines.last().is_none_or(|line| line.number != number) {
            lines.push(Line { number, label, marks: vec![None; length] });
        }
        if let Some(cell) = lines.last_mut().and_then(|line| line.marks.get_mut(place)) {
            *cell = Some(*mark);
        }
    }
    lines
}

fn draw(marks: &[Option<Mark>], paint: &dyn Fn(Mark, &str) -> String) -> String {
    let mut text = String::new();
    for run in marks.chunk_by(|a, b| a == b) {
        match run.first().copied().flatten() {
            Some(mark) => text.push_str(&paint(mark, &mark.character().to_string().repeat(run.len()))),
            None => text.push_str(&" ".repeat(run.len())),
        }
    }
    text
}

/// Every fifth day by its number, which begins at the day's place.
fn days_ruler() -> String {
    let mut ruler = "1".to_owned();
    for day in (5..=30).step_by(5) {
        ruler = format!("{ruler:<width$}{day}", width = day - 1);
    }
    ruler
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn plain(marks: &BTreeMap<Partition, Mark>) -> String {
        lines(marks, &|_, text| text.to_owned()).join("\n")
    }

    /// Partitions in a row from `from` on, one for each character.
    fn partitions(from: &str, by: PartitionBy, characters: &str) -> Vec<(Partition, Mark)> {
        let mark = |c: char| Mark::ALL.into_iter().find(|mark| mark.character() == c);
        let mut partition = Partition::of_day(from.parse::<NaiveDate>().unwrap(), by);
        let mut all = Vec::new();
        for character in characters.chars() {
            all.extend(mark(character).map(|mark| (partition, mark)));
            partition = partition.next();
        }
        all
    }

    #[test]
    fn days_stand_below_their_numbers() {
        let mut marks: BTreeMap<_, _> =
            partitions("2026-01-09", PartitionBy::Day, "####00#x#####00####").into_iter().collect();
        marks.extend(partitions("2026-01-28", PartitionBy::Day, "##t00!++++.++"));
        insta::assert_snapshot!(plain(&marks), @r"
                 1   5    10   15   20   25   30
        2026-01          ####00#x#####00######t0
        2026-02  0!++++.++
        ");
    }

    #[test]
    fn months_are_a_line_a_year_below_the_days() {
        let mut marks: BTreeMap<_, _> = partitions("2025-11-01", PartitionBy::Month, "##+~").into_iter().collect();
        marks.extend(partitions("2026-03-01", PartitionBy::Day, "#"));
        insta::assert_snapshot!(plain(&marks), @r"
                 1   5    10   15   20   25   30
        2026-03  #
              JFMAMJJASOND
        2025            ##
        2026  +~
        ");
    }

    #[test]
    fn long_gaps_are_one_line_and_no_time_is_passed_over_in_silence() {
        let mut marks: BTreeMap<_, _> = partitions("2025-01-30", PartitionBy::Day, "##").into_iter().collect();
        marks.extend(partitions("2025-02-01", PartitionBy::Day, &".".repeat(28 + 31 + 30)));
        marks.extend(partitions("2025-05-01", PartitionBy::Day, "#"));
        marks.extend(partitions("2025-09-02", PartitionBy::Day, "."));
        insta::assert_snapshot!(plain(&marks), @r"
                 1   5    10   15   20   25   30
        2025-01                               ##
        2025-02  all 89 missing to 2025-04
        2025-05  #
                 …
        2025-09   .
        ");
    }

    #[test]
    fn equal_neighbours_are_painted_together_and_emptiness_not_at_all() {
        let marks = partitions("2026-01-02", PartitionBy::Day, "##.").into_iter().collect();
        let painted = lines(&marks, &|mark, text| format!("<{mark:?} {text}>"));
        assert_eq!(painted.last().unwrap(), "2026-01   <Settled ##><Missing .>");
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(lines(&BTreeMap::new(), &|_, text| text.to_owned()), [""; 0]);
    }
}
