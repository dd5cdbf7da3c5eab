//! Rows under construction, column by column.

/// Rows of one dataset under construction.
#[derive(Debug)]
pub struct Rows;
