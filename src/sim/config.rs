//! Stands in for the simulator's switches until they are merged.

/// Switches of the simulator.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, schemars::JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Seed of the invented data: the same seed makes the same account.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Users of the company.
    #[arg(long, default_value_t = 25)]
    pub users: u32,
    /// Calls on a working day.
    #[arg(long, default_value_t = 40)]
    pub calls_per_day: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 7, users: 25, calls_per_day: 40 }
    }
}

/// A value that cannot be simulated.
#[derive(Debug)]
pub struct Invalid {
    /// Name of the field, as in a job.
    pub field: &'static str,
    /// What is wrong with its value.
    pub reason: String,
}

impl Config {
    /// Finds all values that cannot be simulated.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        match self.users {
            0 => Err(vec![Invalid { field: "users", reason: "is 0, but must lie between 1 and 20000".to_owned() }]),
            _ => Ok(()),
        }
    }
}
