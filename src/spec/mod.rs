//! The YAML job spec. Pure: text and environment in, a checked spec or all problems out.
