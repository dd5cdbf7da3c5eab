//! Runs a plan as bounded streams and emits events.
