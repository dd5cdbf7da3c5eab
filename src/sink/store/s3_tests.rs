//! The same over the real protocol, with an S3 server in this process that checks signatures.

use super::tests::{behaves, upload};
use crate::sink::error::ErrorKind;
use crate::sink::testing::everything;
use crate::sink::testing::s3::{open, server};

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
