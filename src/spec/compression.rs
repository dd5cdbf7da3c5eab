//! How data files are compressed, as jobs and flags write it: `zstd(3)`, `snappy`. Pure.

use std::fmt;
use std::str::FromStr;

/// The codec of a data file's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Level 1 (fast) to 22 (small).
    Zstd(i32),
    Snappy,
    /// Level 1 (fast) to 9 (small).
    Gzip(u32),
    /// The raw LZ4 block format, which every engine reads alike.
    Lz4,
    Uncompressed,
}

impl Compression {
    const ZSTD_LEVEL: i32 = 3;
    const ZSTD_LEVEL_MAX: i32 = 22;
    const GZIP_LEVEL: u32 = 6;
    const GZIP_LEVEL_MAX: u32 = 9;
}

impl Default for Compression {
    fn default() -> Self {
        Self::Zstd(Self::ZSTD_LEVEL)
    }
}

/// Why a text names no compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompressionError {
    #[error("is not a compression")]
    Unknown,
    #[error("has no levels")]
    NoLevels,
    #[error("has a level outside of 1 to {max}")]
    Level { max: u32 },
}

impl CompressionError {
    /// What to write instead.
    pub fn remedy(self) -> String {
        match self {
            Self::Unknown => "write `zstd(3)`, `zstd`, `snappy`, `gzip(6)`, `gzip`, `lz4` or `uncompressed`".to_owned(),
            Self::NoLevels => {
                "leave out the brackets, or use `zstd(1)` to `zstd(22)` or `gzip(1)` to `gzip(9)`".to_owned()
            }
            Self::Level { max } => format!("write a whole number from 1 (fast) to {max} (small) in the brackets"),
        }
    }
}

impl FromStr for Compression {
    type Err = CompressionError;

    fn from_str(text: &str) -> Result<Self, CompressionError> {
        let text = text.trim().to_lowercase();
        let (codec, level) = match text.split_once('(') {
            None => (text.as_str(), None),
            Some((codec, level)) => {
                (codec.trim_end(), Some(level.strip_suffix(')').ok_or(CompressionError::Unknown)?.trim()))
            }
        };
        match codec {
            "zstd" => {
                let level = level.map_or(Ok(Self::ZSTD_LEVEL), |level| level_within(level, Self::ZSTD_LEVEL_MAX))?;
                Ok(Self::Zstd(level))
            }
            "gzip" => {
                let level = level.map_or(Ok(Self::GZIP_LEVEL), |level| level_within(level, Self::GZIP_LEVEL_MAX))?;
                Ok(Self::Gzip(level))
            }
            "snappy" | "lz4" | "uncompressed" if level.is_some() => Err(CompressionError::NoLevels),
            "snappy" => Ok(Self::Snappy),
            "lz4" => Ok(Self::Lz4),
            "uncompressed" => Ok(Self::Uncompressed),
            _ => Err(CompressionError::Unknown),
        }
    }
}

/// A level from 1 to `max`.
fn level_within<T>(text: &str, max: T) -> Result<T, CompressionError>
where
    T: FromStr + PartialOrd + From<u8> + Copy + TryInto<u32>,
{
    let fits = |level: &T| (T::from(1)..=max).contains(level);
    text.parse().ok().filter(fits).ok_or(CompressionError::Level { max: max.try_into().unwrap_or(u32::MAX) })
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zstd(level) => write!(f, "zstd({level})"),
            Self::Snappy => write!(f, "snappy"),
            Self::Gzip(level) => write!(f, "gzip({level})"),
            Self::Lz4 => write!(f, "lz4"),
            Self::Uncompressed => write!(f, "uncompressed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_written() {
        let levels = (1..=22).map(Compression::Zstd).chain((1..=9).map(Compression::Gzip));
        let plain = [Compression::Snappy, Compression::Lz4, Compression::Uncompressed];
        for compression in levels.chain(plain) {
            assert_eq!(compression.to_string().parse(), Ok(compression));
        }
    }

    #[test]
    fn levels_have_defaults() {
        assert_eq!("zstd".parse(), Ok(Compression::Zstd(3)));
        assert_eq!(" GZIP ".parse(), Ok(Compression::Gzip(6)));
        assert_eq!("zstd ( 19 )".parse(), Ok(Compression::Zstd(19)));
        assert_eq!(Compression::default().to_string(), "zstd(3)");
    }

    #[test]
    fn other_texts_are_refused_with_their_reason() {
        for (text, expected) in [
            ("", CompressionError::Unknown),
            ("brotli", CompressionError::Unknown),
            ("zstd(3", CompressionError::Unknown),
            ("zstd(3))", CompressionError::Level { max: 22 }),
            ("zstd()", CompressionError::Level { max: 22 }),
            ("zstd(0)", CompressionError::Level { max: 22 }),
            ("zstd(23)", CompressionError::Level { max: 22 }),
            ("gzip(10)", CompressionError::Level { max: 9 }),
            ("snappy(1)", CompressionError::NoLevels),
        ] {
            assert_eq!(text.parse::<Compression>(), Err(expected), "{text}");
        }
    }
}
