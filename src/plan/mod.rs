//! Which partitions a run exports, in which windows, for how many requests. Pure.
