//! The same over the real protocol, with an S3 server in this process that checks signatures.

use super::tests::{behaves, everything, upload};
use super::*;
use crate::sink::error::ErrorKind;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;

/// A server with one bucket, on a port of its own; it ends with the runtime.
async fn server(root: &Path) -> String {
    std::fs::create_dir(root.join("bucket")).unwrap();
    let mut builder = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
    builder.set_auth(SimpleAuth::from_single("AKIAEXAMPLE", "sEcReT"));
    let service = builder.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service.clone());
            tokio::spawn(connection);
        }
    });
    endpoint
}

fn open(url: &str, endpoint: &str, secret: &str) -> Store {
    let options = [
        ("endpoint", endpoint),
        ("region", "us-east-1"),
        ("access_key_id", "AKIAEXAMPLE"),
        ("secret_access_key", secret),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Store::open(url, &options, Path::new("/"), Patience::Attended).unwrap()
}

#[tokio::test]
async fn s3_behaves() {
    let root = tempfile::tempdir().unwrap();
    let endpoint = server(root.path()).await;
    behaves(open("s3://bucket/some/prefix", &endpoint, "sEcReT")).await;
}

#[tokio::test]
async fn large_files_go_in_parts() {
    let root = tempfile::tempdir().unwrap();
    let endpoint = server(root.path()).await;
    let store = open("s3://bucket/exports", &endpoint, "sEcReT");
    let content: Vec<u8> = (0..20_000_000u32).map(|index| (index / 1000) as u8).collect();
    assert_eq!(upload(&store, "calls/x.parquet", &content, true).await.unwrap(), 20_000_000);
    assert!(store.get("calls/x.parquet").await.unwrap().unwrap() == content);

    // An upload that is given up: the server keeps no part of it.
    upload(&store, "calls/x.parquet", &content[..18_000_000], false).await.unwrap();
    assert_eq!(everything(&store).await, ["calls/x.parquet"]);
    let left: Vec<_> = std::fs::read_dir(root.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("upload"))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn a_wrong_key_is_a_matter_of_rights() {
    let root = tempfile::tempdir().unwrap();
    let endpoint = server(root.path()).await;
    let store = open("s3://bucket/exports", &endpoint, "other-sEcReT");
    let error = store.probe_writable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("SignatureDoesNotMatch"), "{cause}");
    assert!(!format!("{error:?} {cause}").contains("sEcReT"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = open("s3://bucket/exports", &endpoint, "sEcReT").probe_writable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("refused"), "the last link of the chain says why: {cause}");
}
