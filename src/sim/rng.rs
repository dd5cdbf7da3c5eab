//! The simulator's own source of chance: splitmix64, keyed.
//!
//! Every fact of the simulated world is drawn from a generator keyed with the seed and the place of
//! the fact (which day, which call, what about it). So any call can be computed without computing
//! the ones before it, and a switch that changes one fact leaves all others alone.
//!
//! The arithmetic here must never change: published samples are regenerated from it, byte for byte.
//! That is why no crate is used, whose next release might draw differently. It is not fit for
//! secrets.

/// What a generator is for; part of its key, so that two purposes never share their draws. The
/// numbers are part of the arithmetic: new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Stream {
    Day = 1,
    Call,
    Seats,
    Details,
    Conversation,
    Noise,
    User,
    Company,
    Contact,
    Deal,
    Comments,
    Activity,
    Scorecard,
    Library,
    Log,
    Fault,
    RequestId,
    Signature,
}

#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

/// 2⁶⁴ divided by the golden ratio, the increment of splitmix64.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number that stands for these bytes; for cursors and the like, not for secrets.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    let mut state = mix(STEP ^ bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state.wrapping_add(STEP) ^ u64::from_le_bytes(word));
    }
    state
}

impl Rng {
    pub(crate) fn new(seed: u64, stream: Stream, keys: &[u64]) -> Self {
        let mut state = mix(seed.wrapping_add(STEP)) ^ mix((stream as u64).wrapping_mul(STEP));
        for key in keys {
            state = mix(state.wrapping_add(STEP) ^ mix(key.wrapping_add(STEP)));
        }
        Self(state)
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u64
    }

    /// An index into something of this length; 0 when it is empty.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(0) as u64 + 1) as i64
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability. Draws always, so that a share of 0 does not shift later draws.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of the items, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// An index into `weights`, each as likely as its weight says.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
        let mut left = self.below(total);
        for (index, weight) in weights.iter().enumerate() {
            if left < u64::from(*weight) {
                return index;
            }
            left -= u64::from(*weight);
        }
        0
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = self.index(end + 1);
            items.swap(end, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that published samples were made with.
    #[test]
    fn the_arithmetic_stays_as_it_is() {
        let mut rng = Rng::new(7, Stream::Call, &[20_000, 3]);
        let drawn = [rng.draw(), rng.below(1000), rng.between(-5, 5) as u64, rng.index(10) as u64];
        assert_eq!(drawn, [9_177_184_947_109_684_930, 414, 5, 3]);
    }

    #[test]
    fn keys_and_streams_give_different_draws() {
        let first = |stream, keys: &[u64]| Rng::new(7, stream, keys).draw();
        let all = [
            first(Stream::Call, &[1, 2]),
            first(Stream::Call, &[2, 1]),
            first(Stream::Call, &[1]),
            first(Stream::Day, &[1, 2]),
            Rng::new(8, Stream::Call, &[1, 2]).draw(),
        ];
        let distinct: std::collections::BTreeSet<u64> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn weights_of_nothing_are_never_chosen() {
        let mut rng = Rng::new(1, Stream::Call, &[]);
        for _ in 0..1000 {
            assert!([0, 2].contains(&rng.weighted(&[3, 0, 1])));
        }
    }
}
