//! Where an engine finds the files: a folder, or a bucket with a prefix. Pure.

use std::fmt;

use url::Url;

/// A destination as engines have to be told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// An absolute path on the machine that the engine runs on.
    Folder(String),
    S3(Bucket),
    Gcs(Bucket),
    /// The bucket is a container.
    Azure {
        account: Option<String>,
        container: Bucket,
    },
}

/// A bucket and the prefix in it, which neither begins nor ends with `/` and may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub name: String,
    pub prefix: String,
}

/// Why a text is no root. Does not repeat it: it may hold credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    #[error("it is neither an absolute path nor an s3://, gs:// or az:// URL")]
    Unknown,
    #[error("it holds more than bucket and prefix")]
    MoreThanPlace,
}

impl Root {
    /// From an absolute path or an `s3://`, `gs://`, `az://` URL.
    pub fn parse(text: &str) -> Result<Self, RootError> {
        if text.starts_with('/') {
            let trimmed = text.trim_end_matches('/');
            return Ok(Self::Folder(trimmed.to_owned()));
        }
        let (scheme, _) = text.split_once("://").ok_or(RootError::Unknown)?;
        let url = Url::parse(text).map_err(|_| RootError::Unknown)?;
        if scheme == "file" {
            let path = url.to_file_path().map_err(|()| RootError::Unknown)?;
            return Self::parse(path.to_str().ok_or(RootError::Unknown)?);
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(RootError::MoreThanPlace);
        }
        let name = url.host_str().filter(|name| !name.is_empty()).ok_or(RootError::Unknown)?.to_owned();
        // As it was written: the keys of the files are made of it without any escaping.
        let rest = text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, prefix)| prefix);
        let bucket = Bucket { name, prefix: rest.trim_matches('/').to_owned() };
        match scheme {
            "s3" => Ok(Self::S3(bucket)),
            "gs" => Ok(Self::Gcs(bucket)),
            "az" => Ok(Self::Azure { account: None, container: bucket }),
            _ => Err(RootError::Unknown),
        }
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => f.write_str(path),
            Self::S3(bucket) => write!(f, "s3://{bucket}"),
            Self::Gcs(bucket) => write!(f, "gs://{bucket}"),
            Self::Azure { container, .. } => write!(f, "az://{container}"),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, prefix } = self;
        if prefix.is_empty() { f.write_str(name) } else { write!(f, "{name}/{prefix}") }
    }
}
