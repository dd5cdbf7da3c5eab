//! The `contentSelector` of `POST /v2/calls/extensive`.

use serde_json::Value;

use super::Refusal;
use crate::sim::world::crm::Timing;

/// How much of the CRM is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    None,
    Basic,
    Extended,
}

/// What to send besides `metaData`.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) context: Context,
    pub(super) timings: Vec<Timing>,
    pub(super) parties: bool,
    pub(super) structure: bool,
    pub(super) topics: bool,
    pub(super) trackers: bool,
    pub(super) tracker_occurrences: bool,
    pub(super) brief: bool,
    pub(super) outline: bool,
    pub(super) highlights: bool,
    pub(super) call_outcome: bool,
    pub(super) key_points: bool,
    pub(super) speakers: bool,
    pub(super) video: bool,
    pub(super) interaction_stats: bool,
    pub(super) questions: bool,
    pub(super) comments: bool,
    pub(super) media: bool,
}

/// An object of switches, or nothing.
fn group<'v>(parent: &'v Value, name: &str) -> Result<&'v Value, Refusal> {
    match &parent[name] {
        group @ (Value::Null | Value::Object(_)) => Ok(group),
        _ => Err(Refusal::unreadable()),
    }
}

fn switch(parent: &Value, name: &str) -> Result<bool, Refusal> {
    match &parent[name] {
        Value::Null => Ok(false),
        Value::Bool(on) => Ok(*on),
        _ => Err(Refusal::unreadable()),
    }
}

impl Selection {
    pub(super) fn read(body: &Value) -> Result<Self, Refusal> {
        let selector = group(body, "contentSelector")?;
        let context = match &selector["context"] {
            Value::Null => Context::None,
            Value::String(name) => match name.as_str() {
                "None" => Context::None,
                "Basic" => Context::Basic,
                "Extended" => Context::Extended,
                _ => return Err(Refusal::unreadable()),
            },
            _ => return Err(Refusal::unreadable()),
        };
        let mut timings = Vec::new();
        match &selector["contextTiming"] {
            Value::Null => timings.push(Timing::Now),
            Value::Array(names) => {
                for name in names {
                    timings.push(match name.as_str() {
                        Some("Now") => Timing::Now,
                        Some("TimeOfCall") => Timing::TimeOfCall,
                        _ => return Err(Refusal::unreadable()),
                    });
                }
                if context != Context::Extended {
                    return Err(Refusal::invalid("contentSelector.contextTiming: allowed with context Extended only"));
                }
            }
            _ => return Err(Refusal::unreadable()),
        }
        let fields = group(selector, "exposedFields")?;
        let content = group(fields, "content")?;
        let interaction = group(fields, "interaction")?;
        let collaboration = group(fields, "collaboration")?;
        // Accepted and without effect since 2025.
        switch(content, "pointsOfInterest")?;
        Ok(Self {
            context,
            timings,
            parties: switch(fields, "parties")?,
            structure: switch(content, "structure")?,
            topics: switch(content, "topics")?,
            trackers: switch(content, "trackers")?,
            tracker_occurrences: switch(content, "trackerOccurrences")?,
            brief: switch(content, "brief")?,
            outline: switch(content, "outline")?,
            highlights: switch(content, "highlights")?,
            call_outcome: switch(content, "callOutcome")?,
            key_points: switch(content, "keyPoints")?,
            speakers: switch(interaction, "speakers")?,
            video: switch(interaction, "video")?,
            interaction_stats: switch(interaction, "personInteractionStats")?,
            questions: switch(interaction, "questions")?,
            comments: switch(collaboration, "publicComments")?,
            media: switch(fields, "media")?,
        })
    }

    pub(super) fn wants_content(&self) -> bool {
        self.structure
            || self.topics
            || self.trackers
            || self.brief
            || self.outline
            || self.highlights
            || self.call_outcome
            || self.key_points
    }

    pub(super) fn wants_interaction(&self) -> bool {
        self.speakers || self.video || self.interaction_stats || self.questions
    }
}
