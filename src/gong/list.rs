//! The lists that the API gives besides that of calls, as data: a dataset made from such a list brings
//! its [`List`] along, so that nothing here knows which there are.
//!
//! Pure. The engine asks for the [`requests`](List::requests) and hands the records on.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::endpoint::{Operation, Request};
use crate::calendar::{DateRange, start_of_day};

/// One list of the API. Constants, one of each name.
#[derive(Debug)]
pub struct List {
    /// What plans, run records and messages call it.
    pub name: &'static str,
    pub operation: &'static Operation,
    pub extent: Extent,
}

/// What a list is asked for with.
#[derive(Debug)]
pub enum Extent {
    /// Nothing: it is as it is now.
    Now,
    /// As it is now, once for each record of another list.
    NowOfEach {
        list: &'static List,
        /// The record's member that is sent.
        member: &'static str,
        /// The query parameter that it is sent as.
        parameter: &'static str,
    },
    /// Days of the company's time zone, the first included, the last not, in the filter of the body.
    Days(Days),
    /// Instants, in the query parameters `fromDateTime` and `toDateTime`, once for each value of
    /// another parameter.
    Instants { parameter: &'static str, values: &'static [&'static str] },
}

/// How days are asked for.
#[derive(Debug)]
pub struct Days {
    /// The filter's members for the first day and the one after the last.
    pub bounds: [&'static str; 2],
    /// Further members of the filter.
    pub filter: &'static [(&'static str, &'static str)],
    /// Further members beside the filter.
    pub body: &'static [(&'static str, &'static str)],
    /// Whether Gong refuses days that are not over.
    pub only_over: bool,
    /// Whether an answer sums up over its days, so that each day needs a listing of its own.
    pub summed_up: bool,
}

/// What to ask a list about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First day.
    pub from: NaiveDate,
    /// The day after the last.
    pub to: NaiveDate,
    /// The same in instants, for lists that know no days.
    pub range: DateRange,
}

impl Span {
    /// Days of `zone`; `from` must be before `to`.
    pub fn new(from: NaiveDate, to: NaiveDate, zone: Tz) -> Option<Self> {
        let range = DateRange::new(start_of_day(from, zone), start_of_day(to, zone))?;
        Some(Self { from, to, range })
    }

    /// The same with no instants after `now`: whether Gong takes such is not known. `None` when it all
    /// lies ahead.
    pub fn until(self, now: DateTime<Utc>) -> Option<Self> {
        let range = DateRange::new(self.range.from(), self.range.to().min(now))?;
        Some(Self { range, ..self })
    }
}

/// One listing that a list takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What it was asked with, where several are asked: an id, or a value.
    pub with: Option<String>,
    pub request: Request,
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for List {}

impl List {
    /// How many listings it takes when `of_each` records of the other list are there.
    pub fn listings(&self, of_each: usize) -> usize {
        match &self.extent {
            Extent::Now | Extent::Days(_) => 1,
            Extent::NowOfEach { .. } => of_each,
            Extent::Instants { values, .. } => values.len(),
        }
    }

    /// One request for the first page of each listing. `of_each` holds the members of the other list's
    /// records, for [`Extent::NowOfEach`].
    pub fn requests(&'static self, span: Span, of_each: &[String]) -> Vec<Ask> {
        let one = |request| vec![Ask { with: None, request }];
        match &self.extent {
            Extent::Now => one(Request::get(self.operation, Vec::new())),
            Extent::NowOfEach { parameter, .. } => of_each
                .iter()
                .map(|value| Ask {
                    with: Some(value.clone()),
                    request: Request::get(self.operation, vec![(parameter, value.clone())]),
                })
                .collect(),
            Extent::Days(days) => one(Request::post(self.operation, days.body(span))),
            Extent::Instants { parameter, values } => {
                let instant = |t: DateTime<Utc>| t.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                let query = |value: &str| {
                    vec![
                        (*parameter, value.to_owned()),
                        ("fromDateTime", instant(span.range.from())),
                        ("toDateTime", instant(span.range.to())),
                    ]
                };
                let ask = |value: &&'static str| Ask {
                    with: Some((*value).to_owned()),
                    request: Request::get(self.operation, query(value)),
                };
                values.iter().map(ask).collect()
            }
        }
    }

    /// Whether Gong refuses days that are not over in the company's zone.
    pub fn only_over(&self) -> bool {
        matches!(self.extent, Extent::Days(Days { only_over: true, .. }))
    }

    /// Whether each day needs a listing of its own.
    pub fn by_single_days(&self) -> bool {
        matches!(self.extent, Extent::Days(Days { summed_up: true, .. }))
    }
}

impl Days {
    fn body(&self, span: Span) -> Map<String, Value> {
        let texts = |members: &[(&str, &str)]| {
            members.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect::<Map<_, _>>()
        };
        let mut filter = texts(self.filter);
        let [from, to] = self.bounds;
        filter.insert(from.to_owned(), span.from.to_string().into());
        filter.insert(to.to_owned(), span.to.to_string().into());
        let mut body = texts(self.body);
        body.insert("filter".to_owned(), filter.into());
        body
    }
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::Method;
    use super::*;
    use serde_json::json;

    static FOLDERS: List = List {
        name: "folders",
        operation: &Operation::get("GET /v2/folders", "/v2/folders", "api:folders", "folders"),
        extent: Extent::Now,
    };
    static CONTENT: List = List {
        name: "content",
        operation: &Operation::get("GET /v2/content", "/v2/content", "api:folders", "items"),
        extent: Extent::NowOfEach { list: &FOLDERS, member: "id", parameter: "folderId" },
    };
    static EVENTS: List = List {
        name: "events",
        operation: &Operation::get("GET /v2/events", "/v2/events", "api:events", "events"),
        extent: Extent::Instants { parameter: "kind", values: &["a", "b"] },
    };
    static FIGURES: List = List {
        name: "figures",
        operation: &Operation::post("POST /v2/figures", "/v2/figures", "api:figures", "figures"),
        extent: Extent::Days(Days {
            bounds: ["fromDate", "toDate"],
            filter: &[("method", "BOTH")],
            body: &[("period", "DAY")],
            only_over: true,
            summed_up: false,
        }),
    };

    fn span() -> Span {
        let day = |text: &str| text.parse().unwrap();
        Span::new(day("2026-03-01"), day("2026-03-03"), chrono_tz::America::New_York).unwrap()
    }

    #[test]
    fn days_stand_in_the_filter() {
        let asked = FIGURES.requests(span(), &[]);
        let [Ask { with: None, request }] = asked.as_slice() else { panic!("one listing: {asked:?}") };
        let body: Value = serde_json::from_str(&request.json().unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"filter": {"fromDate": "2026-03-01", "toDate": "2026-03-03", "method": "BOTH"}, "period": "DAY"})
        );
        assert_eq!(request.method(), Method::Post);
        assert!(FIGURES.only_over() && !FIGURES.by_single_days() && !EVENTS.only_over());
    }

    #[test]
    fn every_value_is_a_listing_of_its_own() {
        let asked = EVENTS.requests(span(), &[]);
        assert_eq!(asked.iter().map(|ask| ask.with.as_deref().unwrap()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(
            asked[1].request.query(),
            [
                ("kind", "b".to_owned()),
                ("fromDateTime", "2026-03-01T05:00:00Z".to_owned()),
                ("toDateTime", "2026-03-03T05:00:00Z".to_owned()),
            ]
        );
        let ids = ["7".to_owned(), "8".to_owned(), "9".to_owned()];
        let asked = CONTENT.requests(span(), &ids);
        assert_eq!(asked.iter().map(|ask| ask.with.as_deref().unwrap()).collect::<Vec<_>>(), ["7", "8", "9"]);
        assert_eq!(asked[0].request.query(), [("folderId", "7".to_owned())]);
        assert_eq!((CONTENT.listings(3), EVENTS.listings(0), FOLDERS.listings(0)), (3, 2, 1));
    }
}
