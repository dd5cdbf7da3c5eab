//! A simulated Gong over real HTTP on loopback.

pub mod config;
