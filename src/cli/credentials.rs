//! Which account, and who signs in: from the job, else the environment, else the credentials file.

use std::path::Path;
use std::sync::Arc;

use tracing::warn;
use url::Url;

use super::environment;
use super::error::Failure;
use super::exit_code::Exit;
use super::token_file::TokenFile;
use crate::gong::oauth::App;
use crate::gong::{Auth, OAuth};
use crate::spec;

const BASE_URL_HINT: &str =
    "set source.base_url or GONG_BASE_URL to your account's own host, as in https://us-12345.api.gong.io";

/// The job's own credentials, else the environment's, else the credentials file's. Paths of the job
/// are relative to `folder`.
pub(super) async fn find(
    base_url: Option<&Url>,
    auth: Option<&spec::Auth>,
    folder: &Path,
) -> Result<(Url, Auth), Failure> {
    if let Some(spec::Auth::OAuth(oauth)) = auth {
        return open_tokens(base_url, oauth, folder).await;
    }
    let file = environment::credentials_file()?;
    let file = file.map(|(file, warning)| {
        if let Some(warning) = warning {
            warn!(event = "warning", "{warning}");
        }
        file
    });
    let base_url = match base_url {
        Some(url) => url.clone(),
        None => {
            let text = environment::variable("GONG_BASE_URL")
                .or_else(|| file.as_ref().and_then(|file| file.base_url.clone()))
                .ok_or_else(|| {
                    Failure::new(
                        Exit::Credentials,
                        "no base URL: neither the job, the environment nor ~/.config/gong/credentials.json has one",
                    )
                    .hint(BASE_URL_HINT)
                })?;
            parse(&text, "base URL")?
        }
    };
    let variable = environment::variable;
    let from_environment = || match (variable("GONG_ACCESS_KEY"), variable("GONG_ACCESS_KEY_SECRET")) {
        (Some(access_key), Some(secret)) => Some(Auth::key(access_key, secret)),
        _ => variable("GONG_ACCESS_TOKEN").map(Auth::token),
    };
    let from_file = |file: environment::CredentialsFile| Some(Auth::key(file.access_key?, file.secret_key?));
    let of_job = match auth {
        Some(spec::Auth::AccessKey { access_key, access_key_secret }) => {
            Some(Auth::key(access_key.clone(), access_key_secret.clone()))
        }
        Some(spec::Auth::Token(token)) => Some(Auth::token(token.clone())),
        Some(spec::Auth::OAuth(_)) | None => None,
    };
    let auth = of_job.or_else(from_environment).or_else(|| file.and_then(from_file)).ok_or_else(|| {
        Failure::new(
            Exit::Credentials,
            "no credentials: neither the job, the environment nor ~/.config/gong/credentials.json has any",
        )
        .hint("set GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, or GONG_ACCESS_TOKEN")
    })?;
    Ok((base_url, auth))
}

/// The tokens of an OAuth app, renewed if need be. They know the company's own host.
async fn open_tokens(base_url: Option<&Url>, oauth: &spec::OAuth, folder: &Path) -> Result<(Url, Auth), Failure> {
    let spec::OAuth { client_id, client_secret, token_file, token_url } = oauth.clone();
    let app = App { client_id, client_secret, token_url };
    let store = Arc::new(TokenFile::new(folder.join(token_file)));
    let (oauth, of_tokens) = OAuth::open(app, store, base_url.is_none()).await?;
    let base_url = match (base_url, of_tokens) {
        (Some(url), _) => url.clone(),
        (None, Some(text)) => parse(&text, "base URL that came with the OAuth tokens")?,
        (None, None) => {
            return Err(Failure::new(Exit::Credentials, "no base URL: neither the job nor the OAuth tokens have one")
                .hint("set source.base_url to your account's own host, as in https://us-12345.api.gong.io"));
        }
    };
    Ok((base_url, Auth::OAuth(oauth)))
}

fn parse(text: &str, what: &str) -> Result<Url, Failure> {
    spec::parse_base_url(text)
        .map_err(|error| Failure::new(Exit::Credentials, format!("{what} {error}")).hint(error.remedy()))
}
