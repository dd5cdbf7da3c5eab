//! `POST /v2/stats/interaction`: how users speak, averaged over calls they hosted.

use std::collections::BTreeMap;

use super::cursor::Position;
use super::stats::{Range, open_user};
use super::{Asked, Refusal, Reply};
use crate::sim::json::Json;
use crate::sim::world::head::Head;

/// Calls that an average is taken over at most; more would cost time and show nothing.
const CALLS_MAX: usize = 8;

pub(super) fn list(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let range = Range::read(asked)?;
    let paging = asked.paging()?;
    let world = asked.world;
    let mut hosted: BTreeMap<u32, Vec<Head>> = BTreeMap::new();
    for day in range.days().filter(|_| !world.config.blind_key) {
        for head in world.heads(day).iter().filter(|h| h.channel.is_conference() && h.has_transcript(asked.now)) {
            if range.wants(head.host) {
                let heads = hosted.entry(head.host).or_default();
                if heads.len() < CALLS_MAX {
                    heads.push(*head);
                }
            }
        }
    }
    if hosted.is_empty() {
        return Err(range.nothing());
    }
    let listed: Vec<(Position, (u32, Vec<Head>))> =
        hosted.into_iter().map(|(number, heads)| ((i64::from(number), 0), (number, heads))).collect();
    let cut = paging.cut(asked, listed);
    let write = |json: &mut Json, (number, heads): &(u32, Vec<Head>)| {
        open_user(asked, json, *number);
        json.key("personInteractionStats");
        json.open_array();
        for (name, value) in averages(asked, heads) {
            json.open_object();
            json.text_field("name", name);
            match value {
                // Whole numbers come without a decimal point.
                Some(value) if value.fract() == 0.0 => json.raw_field("value", value),
                Some(value) => json.double_field("value", value),
                None => json.null_field("value"),
            }
            json.close_object();
        }
        json.close_array();
        json.close_object();
    };
    Ok(paging.reply(asked, "peopleInteractionStats", &cut, write, |json| range.write(asked, json)))
}

/// A figure is null when no customer spoke, so that there is nothing to wait for.
fn averages(asked: &Asked<'_>, heads: &[Head]) -> [(&'static str, Option<f64>); 5] {
    let figures: Vec<_> = heads
        .iter()
        .map(|head| {
            let call = asked.world.call(head);
            let conversation = asked.world.conversation(&call);
            asked.world.interaction(&call, &conversation)
        })
        .collect();
    let mean = |values: Vec<f64>| {
        let sum: f64 = values.iter().sum();
        (!values.is_empty()).then(|| (sum / values.len() as f64 * 100.0).round() / 100.0)
    };
    let all = |figure: fn(&crate::sim::world::analysis::Interaction) -> f64| mean(figures.iter().map(figure).collect());
    let patience = figures.iter().filter(|f| f.longest_customer_story > 0.0).map(|f| f.patience).collect();
    [
        ("Longest Monologue", all(|f| f.longest_monologue)),
        ("Longest Customer Story", all(|f| f.longest_customer_story)),
        ("Interactivity", all(|f| f.interactivity)),
        ("Patience", mean(patience)),
        ("Question Rate", all(|f| f64::from(f.company_questions))),
    ]
}
