//! The `gong-export` binary. All it does is in the library's `cli` module.

fn main() {}
