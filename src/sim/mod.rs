//! A simulated Gong over real HTTP on loopback.
