//! What can go wrong with a destination, as data. Never holds a secret: URLs without credentials,
//! causes without the parts of a server's answer that repeat what was signed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use object_store::client::HttpError;
use parquet::errors::ParquetError;

use crate::state::footer::FooterError;

/// What a destination was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    List,
    Read,
    Write,
    /// Making a finished file visible under its name.
    Commit,
    Delete,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
            Self::Commit => "commit",
            Self::Delete => "delete",
        })
    }
}

/// What a caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    NotFound,
    /// Refused: credentials, their rights, or the modes of folders.
    PermissionDenied,
    /// No space or no quota left.
    StorageFull,
    /// Still failing when patience ended. A later run may succeed.
    Unavailable,
    InvalidUrl,
    InvalidOption,
    /// The file is there but is no data file that this version can read.
    Unreadable,
    Other,
}

/// Why a destination did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {operation} `{}`", path.display())]
    Local { operation: Operation, path: PathBuf, source: io::Error },
    #[error("cannot {operation} `{url}`")]
    Object { operation: Operation, url: String, kind: ErrorKind, source: Cause },
    /// A folder below the destination is a link to somewhere else.
    #[error("refusing to write through `{}`, which leads outside the destination to `{}`", path.display(), target.display())]
    LeadsOutside { path: PathBuf, target: PathBuf },
    #[error("destination `{url}` is not understood: {reason}")]
    InvalidUrl { url: String, reason: &'static str },
    #[error("destination option `{option}` is unknown{}", suggestion(similar))]
    UnknownOption { option: String, similar: Vec<&'static str> },
    #[error("destination option `{option}` is refused: {reason}")]
    RefusedOption { option: String, reason: &'static str },
    /// The options together do not make a client.
    #[error("destination `{url}` cannot be opened with these options")]
    Options { url: String, source: Cause },
    /// A key that could lead elsewhere. Keys are made by this program: a bug, not a user's mistake.
    #[error("`{key}` is no key of a destination")]
    InvalidKey { key: String },
    /// The runtime that moves the bytes is gone: the program is stopping.
    #[error("cannot {operation} `{url}`: the program is stopping")]
    Stopping { operation: Operation, url: String },
    #[error("cannot encode `{url}`")]
    Encode { url: String, source: ParquetError },
    /// Not Parquet, or damaged.
    #[error("`{url}` is not a readable Parquet file")]
    Damaged { url: String, source: Cause },
    /// Of another program or a newer version, or with a damaged footer.
    #[error("`{url}` is no data file that this version can use")]
    Footer { url: String, source: FooterError },
}

fn suggestion(similar: &[&str]) -> String {
    if similar.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = similar.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Local { source, .. } => kind_of_io(source.kind()),
            Self::Object { kind, .. } => *kind,
            Self::LeadsOutside { .. } => ErrorKind::PermissionDenied,
            Self::InvalidUrl { .. } => ErrorKind::InvalidUrl,
            Self::UnknownOption { .. } | Self::RefusedOption { .. } | Self::Options { .. } => ErrorKind::InvalidOption,
            Self::Damaged { .. } | Self::Footer { .. } => ErrorKind::Unreadable,
            Self::InvalidKey { .. } | Self::Stopping { .. } | Self::Encode { .. } => ErrorKind::Other,
        }
    }

    pub(super) fn local(operation: Operation, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Local { operation, path: path.into(), source }
    }

    pub(super) fn object(operation: Operation, url: impl Into<String>, source: object_store::Error) -> Self {
        Self::Object { operation, url: url.into(), kind: kind_of_object(&source), source: Cause::of(&source) }
    }

    /// An error met while encoding: what the upload below said, if it was the upload.
    pub(super) fn encode(url: &str, error: ParquetError) -> Self {
        let error = match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(io) => match io.downcast::<Self>() {
                    Ok(own) => return own,
                    Err(io) => ParquetError::External(Box::new(io)),
                },
                Err(inner) => ParquetError::External(inner),
            },
            other => other,
        };
        Self::Encode { url: url.to_owned(), source: error }
    }
}

/// For [`io::Write`], through which Parquet's writer reaches an upload.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

/// A chain of causes as one text, without what must not be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(String);

impl Cause {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// All that the chain says, each thing once. A failed TLS handshake, for one, is told by the
    /// last link only.
    pub(super) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = readable(&error.to_string());
        let mut next = error.source();
        while let Some(link) = next {
            let said = readable(&link.to_string());
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            next = link.source();
        }
        Self(text)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

/// Error documents of S3 and its like are cut down to code, message and request id. The rest
/// includes, for a wrong signature, all headers that were signed, a session token among them.
fn readable(text: &str) -> String {
    const END: &str = "</Error>";
    let mut rest = text;
    let mut out = String::new();
    while let Some(start) = rest.find("<?xml").into_iter().chain(rest.find("<Error")).min() {
        out.push_str(&rest[..start]);
        // A document that was cut off goes to the end of the text.
        let end = rest[start..].find(END).map_or(rest.len(), |at| start + at + END.len());
        let document = &rest[start..end];
        let mut parts = Vec::new();
        for (tag, label) in [("Code", ""), ("Message", ""), ("RequestId", "request id ")] {
            if let Some(value) = element(document, tag) {
                parts.push(format!("{label}{}", value.trim()));
            }
        }
        out.push_str(&parts.join(", "));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn element<'a>(document: &'a str, tag: &str) -> Option<&'a str> {
    let (_, after) = document.split_once(&format!("<{tag}>"))?;
    after.split_once(&format!("</{tag}>")).map(|(value, _)| value)
}

fn kind_of_io(kind: io::ErrorKind) -> ErrorKind {
    match kind {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorKind::StorageFull
        }
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::StaleNetworkFileHandle => {
            ErrorKind::Unavailable
        }
        _ => ErrorKind::Other,
    }
}

fn kind_of_object(error: &object_store::Error) -> ErrorKind {
    // A quota is refused with 403 like a missing right; only the answer's body tells.
    let text = error.to_string();
    if text.contains("QuotaExceeded") {
        return ErrorKind::StorageFull;
    }
    match error {
        object_store::Error::NotFound { .. } => ErrorKind::NotFound,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            ErrorKind::PermissionDenied
        }
        // Credentials that ended while the run was going are a bad request to S3.
        _ if ["ExpiredToken", "InvalidToken", "TokenRefreshRequired"].iter().any(|code| text.contains(code)) => {
            ErrorKind::PermissionDenied
        }
        _ if is_transport(error) || text.contains("status code: 5") || text.contains("status code: 429") => {
            ErrorKind::Unavailable
        }
        _ => ErrorKind::Other,
    }
}

/// Whether no answer came at all.
fn is_transport(error: &object_store::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(link) = next {
        if link.is::<HttpError>() {
            return true;
        }
        next = link.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn signed_headers_in_an_answer_are_not_repeated() {
        let body = "Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code>\
                    <Message>The signature does not match.</Message><CanonicalRequest>x-amz-security-token:sEcReT</CanonicalRequest>\
                    <RequestId>4442587FB7D0A2F9</RequestId></Error> trailing";
        let error = Error::object(Operation::Write, "s3://bucket/key", generic(body));
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(
            cause,
            "Generic S3 error: Server returned non-2xx status code: 403 Forbidden: SignatureDoesNotMatch, \
             The signature does not match., request id 4442587FB7D0A2F9 trailing"
        );
        assert!(!format!("{error:?}").contains("sEcReT"));
        assert_eq!(readable("<Error><Code>A</Code><Other>x-amz-security-token:sEcReT"), "A");
    }

    #[test]
    fn kinds_follow_what_a_caller_can_do() {
        for (text, kind) in [
            ("Server returned non-2xx status code: 503 Service Unavailable: SlowDown", ErrorKind::Unavailable),
            ("Server returned non-2xx status code: 400 Bad Request: ExpiredToken", ErrorKind::PermissionDenied),
            ("Server returned non-2xx status code: 403 Forbidden: QuotaExceeded", ErrorKind::StorageFull),
            ("Server returned non-2xx status code: 400 Bad Request: EntityTooSmall", ErrorKind::Other),
        ] {
            assert_eq!(Error::object(Operation::Write, "s3://b/k", generic(text)).kind(), kind, "{text}");
        }
        let full = Error::local(Operation::Write, "/data/x", io::ErrorKind::StorageFull.into());
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        assert_eq!(full.to_string(), "cannot write `/data/x`");
    }

    #[test]
    fn an_upload_s_error_survives_the_way_through_the_encoder() {
        let full = Error::local(Operation::Write, "/data/x", io::ErrorKind::StorageFull.into());
        let through: ParquetError = io::Error::from(full).into();
        assert_eq!(Error::encode("x", through).kind(), ErrorKind::StorageFull);
        let other = Error::encode("x", ParquetError::General("odd".into()));
        assert!(matches!(other, Error::Encode { .. }));
    }
}
