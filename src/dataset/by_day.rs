//! Rows made from the records of a list: each goes to the partition of its day, in whatever order the
//! records come, and is put in order and freed of copies when its day is complete.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::row::{RowConverter, SortField};
use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{Dataset, Privacy, Rows};
use crate::calendar::DateRange;

/// The key of rows that Gong gives no id: their position in the partition. Such rows are numbered when
/// they are in order; until then the column holds anything.
const ROW_INDEX: &str = "row_index";

/// The column by which rows speak of a call.
pub(super) const CALL_ID: &str = "call_id";

/// The columns by which a row is about a user: who did it, who was judged, who acted for another.
const SUBJECTS: [&str; 3] = ["user_id", "reviewed_user_id", "impersonator_user_id"];

/// A record of a list and what it was listed for.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its JSON.
    pub raw: &'a str,
    /// What the list was asked with, where it is asked several times: an id, or a value.
    pub with: Option<&'a str>,
    /// The day asked for, or the first of them; that of the snapshot for what is as it is now.
    pub day: NaiveDate,
    /// The job's zone.
    pub zone: Tz,
}

/// Rows of one dataset, by the day of their partition.
#[derive(Debug)]
pub struct RowsByDay {
    dataset: &'static Dataset,
    privacy: Option<Arc<Privacy>>,
    from: NaiveDate,
    to: NaiveDate,
    days: BTreeMap<NaiveDate, Rows>,
    periods: BTreeMap<NaiveDate, DateRange>,
    outside: u64,
}

impl RowsByDay {
    /// For days from `from` to the one before `to`.
    pub fn new(dataset: &'static Dataset, from: NaiveDate, to: NaiveDate) -> Self {
        Self { dataset, privacy: None, from, to, days: BTreeMap::new(), periods: BTreeMap::new(), outside: 0 }
    }

    /// The same with pseudonyms of what is pushed to personal columns, if there is any `privacy`.
    pub fn guarded(self, privacy: Option<Arc<Privacy>>) -> Self {
        Self { privacy, ..self }
    }

    pub fn dataset(&self) -> &'static Dataset {
        self.dataset
    }

    /// The rows of a day; `None`, which is counted, when the day was not asked for.
    pub fn on(&mut self, day: NaiveDate) -> Option<&mut Rows> {
        if day < self.from || self.to <= day {
            self.outside += 1;
            return None;
        }
        let rows = || Rows::guarded(self.dataset, self.privacy.as_ref());
        Some(self.days.entry(day).or_insert_with(rows))
    }

    /// Notes what instants a day is, where the records tell.
    pub fn period(&mut self, day: NaiveDate, period: DateRange) {
        self.periods.insert(day, period);
    }

    /// Puts the rows of each day in the order of its file, each key once.
    pub fn finish(self) -> SortedByDay {
        let Self { dataset, days, periods, outside, .. } = self;
        let (mut rows, mut copies) = (0, 0);
        let mut sorted = BTreeMap::new();
        for (day, mut unsorted) in days {
            rows += unsorted.len() as u64;
            let (batch, left_out) = in_order(dataset, &unsorted.finish());
            copies += left_out;
            sorted.insert(day, batch);
        }
        SortedByDay { dataset, days: sorted, periods, withheld: BTreeMap::new(), rows, copies, outside }
    }
}

/// Rows of one dataset by day, in the order of their files.
#[derive(Debug)]
pub struct SortedByDay {
    pub dataset: &'static Dataset,
    days: BTreeMap<NaiveDate, RecordBatch>,
    periods: BTreeMap<NaiveDate, DateRange>,
    /// Rows that Gong shows and the job leaves out.
    withheld: BTreeMap<NaiveDate, u64>,
    /// Rows that were made, copies included.
    pub rows: u64,
    /// Rows left out since a later one has their key: lists that shift while they are read give some
    /// records twice.
    pub copies: u64,
    /// How often a day came that was not asked for.
    pub outside: u64,
}

/// What was taken out of the rows.
#[derive(Debug, Default)]
pub struct LeftOut {
    pub rows: u64,
    /// Of the calls or users that the rows were about.
    pub ids: BTreeSet<String>,
    by_day: BTreeMap<NaiveDate, u64>,
}

impl SortedByDay {
    /// The calls that rows speak of; none for a dataset without calls.
    pub fn call_ids(&self) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for batch in self.days.values() {
            ids.extend(texts(batch, CALL_ID).into_iter().flatten().flatten().map(str::to_owned));
        }
        ids
    }

    /// Leaves out the rows that speak of a call in `hidden`, which the job does not want.
    pub fn leave_out_calls(&mut self, hidden: &HashSet<String>) -> LeftOut {
        self.withhold(&[CALL_ID], |id| hidden.contains(id))
    }

    /// Leaves out the rows that speak of a call in `unseen`, which Gong does not show: as if they had not
    /// come.
    pub fn leave_out_unseen_calls(&mut self, unseen: &HashSet<String>) -> LeftOut {
        self.leave_out(&[CALL_ID], |id| unseen.contains(id))
    }

    /// Leaves out the rows about users whom `is_hidden` names.
    pub fn leave_out_users(&mut self, is_hidden: impl Fn(&str) -> bool) -> LeftOut {
        self.withhold(&SUBJECTS, is_hidden)
    }

    /// How many rows of a day Gong shows and the job leaves out.
    pub fn withheld_on(&self, day: NaiveDate) -> u64 {
        self.withheld.get(&day).copied().unwrap_or_default()
    }

    fn withhold(&mut self, columns: &[&str], is_hidden: impl Fn(&str) -> bool) -> LeftOut {
        let left_out = self.leave_out(columns, is_hidden);
        for (day, rows) in &left_out.by_day {
            *self.withheld.entry(*day).or_default() += rows;
        }
        left_out
    }

    fn leave_out(&mut self, columns: &[&str], is_hidden: impl Fn(&str) -> bool) -> LeftOut {
        let mut left_out = LeftOut::default();
        for (day, batch) in &mut self.days {
            let mut kept = vec![true; batch.num_rows()];
            for ids in columns.iter().filter_map(|column| texts(batch, column)) {
                for (kept, id) in kept.iter_mut().zip(ids) {
                    if let Some(id) = id.filter(|id| is_hidden(id)) {
                        *kept = false;
                        left_out.ids.insert(id.to_owned());
                    }
                }
            }
            let kept = BooleanArray::from(kept);
            let hidden = kept.false_count() as u64;
            if hidden > 0 {
                left_out.by_day.insert(*day, hidden);
                *batch = filter_record_batch(batch, &kept).expect("there is a verdict on each row");
                if is_numbered(self.dataset) {
                    *batch = number(self.dataset, batch);
                }
            }
            left_out.rows += hidden;
        }
        left_out
    }

    /// Takes the rows of a day out; `None` when there are none.
    pub fn take(&mut self, day: NaiveDate) -> Option<RecordBatch> {
        self.days.remove(&day).filter(|batch| batch.num_rows() > 0)
    }

    /// The instants that a day is, as far as records told.
    pub fn period_of(&self, day: NaiveDate) -> Option<DateRange> {
        self.periods.get(&day).copied()
    }
}

fn texts<'b>(batch: &'b RecordBatch, column: &str) -> Option<&'b StringArray> {
    batch.column_by_name(column)?.as_string_opt::<i32>()
}

/// Sorts by the key, which for datasets made from lists is their order too. Of rows with one key the
/// one that came last stays; how many were left out stands beside the batch.
fn in_order(dataset: &'static Dataset, batch: &RecordBatch) -> (RecordBatch, u64) {
    let numbered = is_numbered(dataset);
    let by: Vec<ArrayRef> = dataset
        .columns
        .iter()
        .zip(batch.columns())
        .filter(|(column, _)| if numbered { column.name != ROW_INDEX } else { dataset.key.contains(&column.name) })
        .map(|(_, array)| Arc::clone(array))
        .collect();
    let fields = by.iter().map(|array| SortField::new(array.data_type().clone())).collect();
    let keys = RowConverter::new(fields)
        .and_then(|converter| converter.convert_columns(&by))
        .expect("the types of all columns have an order");
    let mut places: Vec<usize> = (0..batch.num_rows()).collect();
    // Stable: of equal keys the last is the one that came last.
    places.sort_by_key(|&place| keys.row(place));
    let mut copies = 0;
    if !numbered {
        let mut kept: Vec<usize> = Vec::with_capacity(places.len());
        for place in places {
            match kept.last_mut() {
                Some(last) if keys.row(*last) == keys.row(place) => {
                    *last = place;
                    copies += 1;
                }
                _ => kept.push(place),
            }
        }
        places = kept;
    }
    let places: UInt64Array = places.into_iter().map(|place| place as u64).collect();
    let mut batch = take_record_batch(batch, &places).expect("the places are those of the batch");
    if numbered {
        batch = number(dataset, &batch);
    }
    (batch, copies)
}

fn is_numbered(dataset: &Dataset) -> bool {
    dataset.key == [ROW_INDEX]
}

fn number(dataset: &'static Dataset, batch: &RecordBatch) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..batch.num_rows() as i64));
    let arrays = dataset
        .columns
        .iter()
        .zip(batch.columns())
        .map(|(column, array)| Arc::clone(if column.name == ROW_INDEX { &numbers } else { array }))
        .collect();
    RecordBatch::try_new(batch.schema(), arrays).expect("only the numbers changed")
}

#[cfg(test)]
mod tests {
    use super::super::testing::table;
    use super::super::{ACTIVITY_STATS, Column, ColumnType, Group, PartitionColumn, Source, USERS};
    use super::*;
    use crate::gong::model::Drift;
    use serde_json::json;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn add(dataset: &'static Dataset, out: &mut RowsByDay, raw: &str) {
        let Source::List { rows, .. } = &dataset.source else { panic!("not made of a list") };
        let record = Record { raw, with: None, day: day("2026-03-02"), zone: Tz::UTC };
        rows(&record, out, &mut Drift::default()).unwrap();
    }

    #[test]
    fn rows_are_in_the_order_of_their_keys_and_the_last_copy_counts() {
        let mut out = RowsByDay::new(&USERS, day("2026-03-02"), day("2026-03-03"));
        for raw in
            [r#"{"id": "9"}"#, r#"{"id": "10", "title": "old"}"#, r#"{"id": "2"}"#, r#"{"id": "10", "title": "new"}"#]
        {
            add(&USERS, &mut out, raw);
        }
        let mut sorted = out.finish();
        let batch = sorted.take(day("2026-03-02")).unwrap();
        let rows: Vec<_> = table(&batch).iter().map(|row| json!([row["user_id"], row["title"]])).collect();
        assert_eq!(rows, [json!(["10", "new"]), json!(["2", null]), json!(["9", null])]);
        assert_eq!((sorted.rows, sorted.copies), (4, 1));
        assert!(sorted.take(day("2026-03-02")).is_none());
    }

    #[test]
    fn rows_go_to_their_own_day_and_others_are_counted() {
        let mut out = RowsByDay::new(&ACTIVITY_STATS, day("2026-03-02"), day("2026-03-04"));
        add(
            &ACTIVITY_STATS,
            &mut out,
            r#"{"userId": "7", "userAggregateActivity": [
                {"fromDate": "2026-03-01T00:00:00-05:00", "callsAsHost": 1},
                {"fromDate": "2026-03-03T00:00:00-05:00", "toDate": "2026-03-04T00:00:00-05:00", "callsAsHost": 3}]}"#,
        );
        let mut out = out.finish();
        assert!(out.take(day("2026-03-02")).is_none());
        assert_eq!(
            out.period_of(day("2026-03-03")).unwrap().to_string(),
            "2026-03-03T05:00:00Z to 2026-03-04T05:00:00Z"
        );
        assert_eq!(table(&out.take(day("2026-03-03")).unwrap())[0]["calls_as_host"], 3);
        assert_eq!(out.outside, 1);
    }

    #[test]
    fn what_the_job_leaves_out_is_counted_by_day_and_what_gong_hides_is_not() {
        let reviews = crate::dataset::find("answered_scorecards").unwrap();
        let mut out = RowsByDay::new(reviews, day("2026-03-02"), day("2026-03-04"));
        for (id, call, date) in [(1, "7", "02"), (2, "7", "02"), (3, "8", "02"), (4, "7", "03")] {
            let raw =
                json!({ "answeredScorecardId": id, "callId": call, "reviewTime": format!("2026-03-{date}T12:00:00Z") });
            add(reviews, &mut out, &raw.to_string());
        }
        let mut sorted = out.finish();
        assert_eq!(sorted.leave_out_unseen_calls(&HashSet::from(["8".to_owned()])).rows, 1);
        assert_eq!(sorted.leave_out_calls(&HashSet::from(["7".to_owned()])).rows, 3);
        let withheld = ["2026-03-02", "2026-03-03", "2026-03-04"].map(|date| sorted.withheld_on(day(date)));
        assert_eq!(withheld, [2, 1, 0]);
        assert!(sorted.take(day("2026-03-02")).is_none());
    }

    static NUMBERED: Dataset = Dataset {
        name: "numbered",
        about: "Rows without an id.",
        group: Group::Standard,
        columns: &[
            Column::new("row_index", ColumnType::Int64, "position").required(),
            Column::new("at", ColumnType::Int64, "when"),
            Column::new("what", ColumnType::Text, "what"),
        ],
        key: &["row_index"],
        order: &["row_index"],
        partition: PartitionColumn::Event,
        source: Source::Call { blocks: &[], transcript: false, rows: |_, _, _| () },
    };

    #[test]
    fn rows_without_an_id_are_numbered_and_all_stay() {
        let mut rows = Rows::new(&NUMBERED);
        for (at, what) in [(2, "b"), (1, "z"), (2, "a"), (2, "b")] {
            rows.int64(Some(0));
            rows.int64(Some(at));
            rows.text(Some(what));
        }
        let (batch, copies) = in_order(&NUMBERED, &rows.finish());
        let rows: Vec<_> = table(&batch).iter().map(|row| json!([row["row_index"], row["at"], row["what"]])).collect();
        assert_eq!(rows, [json!([0, 1, "z"]), json!([1, 2, "a"]), json!([2, 2, "b"]), json!([3, 2, "b"])]);
        assert_eq!(copies, 0);
    }
}
