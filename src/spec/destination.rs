//! Which destinations there are. Pure: whether one can be reached is for `sink` to say.

use url::Url;

/// Why a destination is refused. Holds nothing of its URL, which may hold credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    #[error("is empty")]
    Empty,
    #[error("has a scheme that is not supported")]
    Scheme,
    #[error("lacks the `//` after its scheme")]
    Slashes,
    #[error("is not a URL")]
    NotUrl,
    #[error("names no bucket")]
    NoBucket,
    #[error("names a host, or lacks the third slash")]
    FileHost,
    #[error("holds a user name or password")]
    Credentials,
    #[error("holds a `?` or `#`")]
    MoreThanPath,
    #[error("holds control characters")]
    Control,
    #[error("begins with `~`, which only a shell replaces")]
    Home,
}

impl DestinationError {
    /// What to write instead.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Empty | Self::Scheme | Self::Slashes | Self::NotUrl => {
                "write a folder such as `./export`, or `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix` \
                 or `az://container/prefix`"
            }
            Self::NoBucket => "put the name of the bucket after the scheme, such as `s3://bucket/prefix`",
            Self::FileHost => "write `file:///folder`, or simply the path of the folder",
            Self::Credentials => "take them out of the URL; the environment or `destination.options` may hold them",
            Self::MoreThanPath => "keep only bucket and prefix, and put settings under `destination.options`",
            Self::Control => "in double quotes, write `\\\\` for a backslash; or use single quotes",
            Self::Home => "write the whole path, or `${HOME}/…`",
        }
    }
}

/// Refuses what is neither a path nor a URL that can be written to.
pub fn check_destination(text: &str) -> Result<(), DestinationError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(DestinationError::Empty);
    }
    // `"C:\export"` is read as an escape and `xport`.
    if text.contains(char::is_control) {
        return Err(DestinationError::Control);
    }
    let Some((scheme, _)) = text.split_once("://") else {
        return match text.split_once(':') {
            Some(("s3" | "gs" | "az" | "file", _)) => Err(DestinationError::Slashes),
            _ if text == "~" || text.starts_with("~/") => Err(DestinationError::Home),
            _ => Ok(()),
        };
    };
    if !matches!(scheme, "s3" | "gs" | "az" | "file") {
        return Err(DestinationError::Scheme);
    }
    let url = Url::parse(text).map_err(|_| DestinationError::NotUrl)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(DestinationError::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(DestinationError::MoreThanPath);
    }
    match (scheme, url.host_str().unwrap_or_default()) {
        ("file", "") => Ok(()),
        ("file", _) => Err(DestinationError::FileHost),
        (_, "") => Err(DestinationError::NoBucket),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_and_the_four_schemes_are_accepted() {
        for text in [
            "./export",
            "export",
            "/data/gong export",
            "C:\\export",
            "a:b",
            "~other/export",
            "file:///data/export",
            "s3://bucket",
            "s3://bucket/some/prefix/",
            "gs://bucket/prefix",
            "az://container/prefix",
        ] {
            assert_eq!(check_destination(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_their_reason() {
        for (text, expected) in [
            ("  ", DestinationError::Empty),
            ("ftp://host/folder", DestinationError::Scheme),
            ("S3://bucket", DestinationError::Scheme),
            ("https://bucket.s3.amazonaws.example/prefix", DestinationError::Scheme),
            ("s3:/bucket/prefix", DestinationError::Slashes),
            ("gs:bucket", DestinationError::Slashes),
            ("s3://", DestinationError::NoBucket),
            ("s3:///prefix", DestinationError::NoBucket),
            ("file://export", DestinationError::FileHost),
            ("s3://key:secret@bucket/prefix", DestinationError::Credentials),
            ("az://container/prefix?sig=abc", DestinationError::MoreThanPath),
            ("C:\u{1b}xport", DestinationError::Control),
            ("~/export", DestinationError::Home),
        ] {
            assert_eq!(check_destination(text), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(s3|gs|az|file|:|/|@|~|[?]|\\PC){0,12}") {
            let _ = check_destination(&text);
        }
    }
}
