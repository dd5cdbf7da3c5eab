//! What a person sees of a run: bars on a terminal, a line now and then elsewhere, a summary at the
//! end. All of it is made from the engine's events and the run record.

mod bars;
mod lines;
mod progress;
pub(super) mod summary;

pub(super) use bars::Bars;
pub(super) use lines::Lines;

use crate::engine::{Event, Reporter};

/// Says nothing.
#[derive(Debug)]
pub(super) struct Silent;

impl Reporter for Silent {
    fn event(&self, _: &Event) {}
}
