//! Whether a watch goes on after a run, by the run's exit code. Pure.
//!
//! A watch is there to get over failures, so nearly none ends it. The exceptions are those that more
//! runs cannot mend: a job that has never been right, and a key that Gong goes on refusing. Trying that
//! one for ever could get the account locked.

use super::Exit;

/// So many runs with refused credentials on end are enough: a key that is being exchanged works again
/// by then.
const REFUSALS_MAX: u32 = 3;

/// The runs of a watch so far.
#[derive(Debug)]
pub(super) struct Course {
    runs_max: Option<u64>,
    runs: u64,
    /// On end.
    refusals: u32,
}

/// What comes after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Wait,
    /// The watch ends with this code.
    End(u8),
}

impl Course {
    pub(super) fn new(runs_max: Option<u64>) -> Self {
        Self { runs_max, runs: 0, refusals: 0 }
    }

    /// Runs so far.
    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// Takes note of a run that ended with this code.
    pub(super) fn after(&mut self, exit_code: u8) -> Next {
        self.runs += 1;
        let refused = exit_code == Exit::Credentials.code();
        self.refusals = if refused { self.refusals + 1 } else { 0 };
        let is_first = self.runs == 1;
        let is_hopeless = is_first && (refused || exit_code == Exit::Usage.code()) || self.refusals >= REFUSALS_MAX;
        if is_hopeless || self.runs_max.is_some_and(|max| self.runs >= max) { Next::End(exit_code) } else { Next::Wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many runs there are of those that would end with these codes, and the watch's own code.
    fn watched(runs_max: Option<u64>, codes: &[u8]) -> (u64, Option<u8>) {
        let mut course = Course::new(runs_max);
        for code in codes {
            if let Next::End(code) = course.after(*code) {
                return (course.runs(), Some(code));
            }
        }
        (course.runs(), None)
    }

    #[test]
    fn failures_do_not_end_it() {
        assert_eq!(watched(None, &[1, 4, 5, 7, 0, 2, 2, 2, 2, 1]), (10, None));
    }

    #[test]
    fn what_was_never_right_ends_it_at_once() {
        assert_eq!(watched(None, &[2, 0]), (1, Some(2)));
        assert_eq!(watched(None, &[3, 0]), (1, Some(3)));
    }

    #[test]
    fn a_key_that_is_refused_again_and_again_ends_it() {
        assert_eq!(watched(None, &[0, 3, 3, 0, 3, 3, 1, 3, 3, 3, 0]), (10, Some(3)));
    }

    #[test]
    fn a_bound_ends_it_with_the_last_code() {
        assert_eq!(watched(Some(1), &[0, 0]), (1, Some(0)));
        assert_eq!(watched(Some(3), &[0, 1, 4, 0]), (3, Some(4)));
    }
}
