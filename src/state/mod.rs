//! What data files and runs say about themselves. Pure.
