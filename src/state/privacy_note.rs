//! How a job treats personal data, as files and run records tell it: enough to see whether two files are
//! alike in that, nothing that gives anybody away. Pure.

use serde::{Deserialize, Serialize};

/// What holds for every dataset of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PrivacyNote {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonyms: Option<PseudonymNote>,
    /// A digest of the users that are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded_users: Option<String>,
}

/// Which personal data is replaced by pseudonyms, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PseudonymNote {
    /// `email`, `phone`, `name`; sorted.
    pub kinds: Vec<String>,
    /// Whether pseudonyms of addresses end in the domain of their original.
    pub keep_email_domains: bool,
    /// What the key is told by; `None` where it is not known, which is in no file.
    pub key: Option<String>,
}

impl PrivacyNote {
    /// Of a job that leaves personal data as it is.
    pub const NONE: Self = Self { pseudonyms: None, excluded_users: None };

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Whether a file with this note is as a job with `wanted` would write it. A key that is not known
    /// fits every key.
    pub fn fits(&self, wanted: &Self) -> bool {
        let pseudonyms_fit = match (&self.pseudonyms, &wanted.pseudonyms) {
            (Some(ours), Some(PseudonymNote { kinds, keep_email_domains, key: None })) => {
                ours.kinds == *kinds && ours.keep_email_domains == *keep_email_domains
            }
            (ours, wanted) => ours == wanted,
        };
        pseudonyms_fit && self.excluded_users == wanted.excluded_users
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(kinds: &[&str], key: Option<&str>) -> PrivacyNote {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let pseudonyms = PseudonymNote { kinds, keep_email_domains: true, key: key.map(ToOwned::to_owned) };
        PrivacyNote { pseudonyms: Some(pseudonyms), excluded_users: None }
    }

    #[test]
    fn another_key_other_kinds_or_other_users_do_not_fit() {
        let none = PrivacyNote::default();
        let file = note(&["email", "name"], Some("a"));
        assert!(none.is_empty() && none.fits(&none) && !file.is_empty());
        assert!(file.fits(&file));
        assert!(!file.fits(&none) && !none.fits(&file));
        assert!(!file.fits(&note(&["email", "name"], Some("b"))));
        assert!(!file.fits(&note(&["email"], Some("a"))));
        assert!(!file.fits(&PrivacyNote { excluded_users: Some("x".into()), ..file.clone() }));
    }

    #[test]
    fn who_does_not_know_the_key_judges_by_the_rest() {
        let file = note(&["email", "name"], Some("a"));
        assert!(file.fits(&note(&["email", "name"], None)));
        assert!(!file.fits(&note(&["email"], None)));
        assert!(!PrivacyNote::default().fits(&note(&["email"], None)));
    }

    #[test]
    fn it_reads_back_as_it_was_written() {
        for note in [PrivacyNote::default(), note(&["email"], Some("a"))] {
            let text = serde_json::to_string(&note).unwrap();
            assert_eq!(serde_json::from_str::<PrivacyNote>(&text).unwrap(), note);
        }
        assert_eq!(serde_json::to_string(&PrivacyNote::default()).unwrap(), "{}");
    }
}
