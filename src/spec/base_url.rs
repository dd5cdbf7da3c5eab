//! Which addresses may be sent credentials. Pure; `cli` asks it about the addresses that come from the
//! environment and the credentials file, too.

use std::net::IpAddr;

use url::{Host, Url};

/// Why an address is refused. Holds nothing of the address, which may hold credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    #[error("is not a URL")]
    NotUrl,
    #[error("is neither https nor http")]
    Scheme,
    #[error("is plain http, which would send credentials unencrypted")]
    PlainHttp,
    #[error("holds a user name or password")]
    Credentials,
    #[error("has more than a host: a path, a query or a fragment")]
    MoreThanHost,
    #[error("has a query or a fragment")]
    MoreThanPath,
}

impl BaseUrlError {
    /// What to write instead.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NotUrl | Self::Scheme => {
                "write the API address that Gong shows beside your access keys, such as `https://us-12345.api.gong.io`"
            }
            Self::PlainHttp => "write `https://`; plain http is for this machine only (localhost, 127.0.0.1, [::1])",
            Self::Credentials => "take them out of the address and give them under `auth` or in the environment",
            Self::MoreThanPath => "keep only scheme, host and path",
            Self::MoreThanHost => "keep only scheme and host, such as `https://us-12345.api.gong.io`",
        }
    }
}

/// The address of a Gong API: https and a host, perhaps a port; http for loopback alone.
pub fn parse_base_url(text: &str) -> Result<Url, BaseUrlError> {
    let url = parse_address(text)?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::MoreThanHost);
    }
    Ok(url)
}

/// The address where OAuth tokens are renewed: by the same rule, and with a path.
pub(super) fn parse_token_url(text: &str) -> Result<Url, BaseUrlError> {
    let url = parse_address(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::MoreThanPath);
    }
    Ok(url)
}

fn parse_address(text: &str) -> Result<Url, BaseUrlError> {
    let url = Url::parse(text.trim()).map_err(|_| BaseUrlError::NotUrl)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BaseUrlError::Credentials);
    }
    let host = url.host().ok_or(BaseUrlError::NotUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&host) => {}
        "http" => return Err(BaseUrlError::PlainHttp),
        _ => return Err(BaseUrlError::Scheme),
    }
    Ok(url)
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn https_and_loopback_are_accepted() {
        for (text, expected) in [
            ("https://us-12345.api.gong.io", "https://us-12345.api.gong.io/"),
            ("https://api.gong.io/", "https://api.gong.io/"),
            (" https://api.gong.io:8443 ", "https://api.gong.io:8443/"),
            ("http://localhost:8080", "http://localhost:8080/"),
            ("http://LOCALHOST", "http://localhost/"),
            ("http://127.8.9.10:1", "http://127.8.9.10:1/"),
            ("http://[::1]:8080/", "http://[::1]:8080/"),
        ] {
            assert_eq!(parse_base_url(text).map(|url| url.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_addresses_are_refused_with_their_reason() {
        for (text, expected) in [
            ("", BaseUrlError::NotUrl),
            ("us-12345.api.gong.io", BaseUrlError::NotUrl),
            ("https://", BaseUrlError::NotUrl),
            ("mailto:mara@vendor.example", BaseUrlError::NotUrl),
            ("ftp://api.gong.io", BaseUrlError::Scheme),
            ("http://api.gong.io", BaseUrlError::PlainHttp),
            ("http://localhost.evil.example", BaseUrlError::PlainHttp),
            ("http://127.0.0.1.evil.example", BaseUrlError::PlainHttp),
            ("http://0.0.0.0", BaseUrlError::PlainHttp),
            ("http://localhost@evil.example", BaseUrlError::Credentials),
            ("https://key:secret@api.gong.io", BaseUrlError::Credentials),
            ("https://api.gong.io/v2", BaseUrlError::MoreThanHost),
            ("https://api.gong.io/?key=1", BaseUrlError::MoreThanHost),
            ("https://api.gong.io/#x", BaseUrlError::MoreThanHost),
        ] {
            assert_eq!(parse_base_url(text), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn plain_http_leaves_the_machine_for_no_text(text in "http://(localhost|127|[.:/@#?\\\\]|[a-z0-9]|\\PC){0,12}") {
            if let Ok(url) = parse_base_url(&text) {
                prop_assert!(is_loopback(&url.host().unwrap()), "{}", url);
            }
        }
    }
}
