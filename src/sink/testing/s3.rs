//! An S3 server in this process that checks signatures, and stores that use it.

use std::path::Path;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;

use crate::sink::{Patience, Store};

/// A server with one bucket, on a port of its own; it ends with the runtime.
pub(crate) async fn server(root: &Path) -> String {
    std::fs::create_dir(root.join("bucket")).unwrap();
    let mut builder = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
    builder.set_auth(SimpleAuth::from_single("AKIAEXAMPLE", "sEcReT"));
    let service = builder.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // It looks at a condition and writes in two steps; real servers let nobody in between.
    let writes = Arc::new(tokio::sync::Mutex::new(()));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (service, writes) = (service.clone(), writes.clone());
            let one_by_one = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let (service, writes) = (service.clone(), writes.clone());
                async move {
                    let _turn = match *request.method() {
                        hyper::Method::PUT => Some(writes.lock().await),
                        _ => None,
                    };
                    Service::call(&service, request).await
                }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), one_by_one);
            tokio::spawn(connection);
        }
    });
    endpoint
}

pub(crate) fn open(url: &str, endpoint: &str, secret: &str) -> Store {
    let options = [
        ("endpoint", endpoint),
        ("region", "us-east-1"),
        ("access_key_id", "AKIAEXAMPLE"),
        ("secret_access_key", secret),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Store::open(url, &options, Path::new("/"), Patience::Attended).unwrap()
}
