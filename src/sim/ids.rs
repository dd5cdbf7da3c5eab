//! Ids as Gong writes them, decimal text of 19 (or 20) digits, that can be read back.
//!
//! An id says what it is, of which day and which number, scrambled by a keyed permutation. So a call
//! is found by its id without any index, ids never collide, and they look as random as real ones.

use std::fmt;

/// What an id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Kind {
    Call = 1,
    User,
    Party,
    Speaker,
    Workspace,
    Tracker,
    Scorecard,
    Question,
    QuestionRevision,
    AnsweredScorecard,
    Folder,
    LibraryCall,
    Comment,
}

/// An id as a number; shown as text, since real ones do not fit a double.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What an id was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) kind: Kind,
    /// Days since 1970-01-01; 0 for what has no day.
    pub(crate) day: u32,
    pub(crate) index: u32,
    pub(crate) part: u32,
}

/// Makes and reads the ids of one simulated account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids {
    key: u64,
    smallest: u64,
}

const BITS: u32 = 62;
const MASK: u64 = (1 << BITS) - 1;
const INDEX_BITS: u32 = 24;
const PART_BITS: u32 = 13;
const DAY_BITS: u32 = 20;
/// Odd, hence invertible modulo a power of two.
const FACTORS: [u64; 2] = [0x2545_F491_4F6C_DD1D & MASK, 0x1F83_D9AB_FB41_BD6B & MASK];

impl Ids {
    /// `long` gives ids of 20 digits, which exceed a signed 64-bit integer.
    pub(crate) fn new(seed: u64, long: bool) -> Self {
        let smallest = if long { 10_000_000_000_000_000_000 } else { 1_000_000_000_000_000_000 };
        Self { key: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) & MASK, smallest }
    }

    pub(crate) fn of(&self, kind: Kind, day: u32, index: u32, part: u32) -> Id {
        debug_assert!(index >> INDEX_BITS == 0 && part >> PART_BITS == 0 && day >> DAY_BITS == 0);
        let mut x = (kind as u64) << (DAY_BITS + INDEX_BITS + PART_BITS)
            | u64::from(day) << (INDEX_BITS + PART_BITS)
            | u64::from(index) << PART_BITS
            | u64::from(part);
        x ^= self.key;
        for factor in FACTORS {
            x = x.wrapping_mul(factor) & MASK;
            x ^= x >> (BITS / 2);
        }
        Id(self.smallest + x)
    }

    /// What an id stands for; `None` for text that this account never gave out.
    pub(crate) fn read(&self, text: &str) -> Option<Origin> {
        let number: u64 = text.parse().ok()?;
        let mut x = number.checked_sub(self.smallest)?;
        if x > MASK || text.len() != self.smallest.to_string().len() {
            return None;
        }
        for factor in FACTORS.into_iter().rev() {
            x ^= x >> (BITS / 2);
            x = x.wrapping_mul(inverse(factor)) & MASK;
        }
        x ^= self.key;
        let part = (x & ((1 << PART_BITS) - 1)) as u32;
        let index = (x >> PART_BITS & ((1 << INDEX_BITS) - 1)) as u32;
        let day = (x >> (PART_BITS + INDEX_BITS) & ((1 << DAY_BITS) - 1)) as u32;
        let kind = Kind::from_number(x >> (DAY_BITS + INDEX_BITS + PART_BITS))?;
        Some(Origin { kind, day, index, part })
    }
}

impl Kind {
    fn from_number(number: u64) -> Option<Self> {
        use Kind::*;
        const ALL: [Kind; 13] = [
            Call,
            User,
            Party,
            Speaker,
            Workspace,
            Tracker,
            Scorecard,
            Question,
            QuestionRevision,
            AnsweredScorecard,
            Folder,
            LibraryCall,
            Comment,
        ];
        ALL.into_iter().find(|kind| *kind as u64 == number)
    }
}

/// The inverse of an odd number modulo 2⁶⁴, by Newton's iteration: each round doubles the number of
/// right bits, of which an odd number has three from the start.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}

/// Whether the API could have given out such an id at all: one to twenty decimal digits.
pub(crate) fn is_well_formed(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_can_be_read_back(
            seed: u64, long: bool, day in 0u32..1 << DAY_BITS, index in 0u32..1 << INDEX_BITS, part in 0u32..1 << PART_BITS,
        ) {
            let ids = Ids::new(seed, long);
            let text = ids.of(Kind::Party, day, index, part).to_string();
            prop_assert_eq!(text.len(), if long { 20 } else { 19 });
            prop_assert_eq!(ids.read(&text), Some(Origin { kind: Kind::Party, day, index, part }));
        }

        #[test]
        fn foreign_text_is_no_id(text in "[0-9]{0,17}|[a-z]{3}|[0-9]{21}") {
            prop_assert_eq!(Ids::new(7, false).read(&text), None);
        }
    }

    #[test]
    fn twenty_digits_exceed_a_signed_integer() {
        let id = Ids::new(7, true).of(Kind::Call, 20_000, 1, 0).to_string();
        assert_eq!(id.len(), 20);
        assert!(id.parse::<i64>().is_err());
    }

    #[test]
    fn neighbours_look_unrelated() {
        let ids = Ids::new(7, false);
        let (a, b) = (ids.of(Kind::Call, 20_000, 1, 0).to_string(), ids.of(Kind::Call, 20_000, 2, 0).to_string());
        assert_ne!(a[..4], b[..4]);
    }
}
