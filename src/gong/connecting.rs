//! Tells who waits for a new connection: a request that does arrives later than it was sent, and the
//! server counts arrivals (see [`rate_limit`](super::rate_limit)).
//!
//! A layer around the connector of the HTTP client. That makes a connection within the task of the
//! request which asked for it, so the two find each other by a task-local value.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static WATCH: Arc<dyn Watch>;
}

/// Somebody who wants to know about the connection of one request.
pub(crate) trait Watch: Send + Sync {
    /// The request needs a new connection.
    fn connecting(&self);
    /// It stands, or came to nothing, or is not waited for any more.
    fn connected(&self);
}

/// Runs `request`, all of whose connections are told to `watch`.
pub(crate) async fn watched<F: Future>(watch: Arc<dyn Watch>, request: F) -> F::Output {
    WATCH.scope(watch, request).await
}

/// Wraps a connector.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Telling;

impl<S> Layer<S> for Telling {
    type Service = TellingConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        TellingConnector { connector }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct TellingConnector<S> {
    connector: S,
}

impl<S, R> Service<R> for TellingConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, to: R) -> Self::Future {
        let told = WATCH.try_with(|watch| Told::new(Arc::clone(watch))).ok();
        let connection = self.connector.call(to);
        Box::pin(async move {
            let connection = connection.await;
            drop(told);
            connection
        })
    }
}

/// Tells the end when it is dropped, also when nobody waits any more.
struct Told {
    watch: Arc<dyn Watch>,
}

impl Told {
    fn new(watch: Arc<dyn Watch>) -> Self {
        watch.connecting();
        Self { watch }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.watch.connected();
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[derive(Default)]
    struct Count {
        connecting: AtomicUsize,
        connected: AtomicUsize,
    }

    impl Watch for Count {
        fn connecting(&self) {
            self.connecting.fetch_add(1, SeqCst);
        }

        fn connected(&self) {
            self.connected.fetch_add(1, SeqCst);
        }
    }

    /// What was told about a GET: connections begun and ended, by the time that it was answered.
    async fn told(client: &reqwest::Client, url: &str) -> (usize, usize) {
        let count = Arc::new(Count::default());
        let _ = watched(count.clone(), client.get(url).send()).await.map(|answer| answer.status());
        (count.connecting.load(SeqCst), count.connected.load(SeqCst))
    }

    #[tokio::test]
    async fn only_a_request_that_needs_a_new_connection_is_told_of() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            drop(listener);
            let mut request = [0; 1024];
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            }
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).connector_layer(Telling);
        let client = client.build().unwrap();
        assert_eq!(told(&client, &url).await, (1, 1));
        assert_eq!(told(&client, &url).await, (0, 0), "the connection is there");
        serving.abort();
        let _ = serving.await;
        let (connecting, connected) = told(&client, &url).await;
        assert_eq!(connecting, connected, "one that fails has an end, too");
        assert!(connecting >= 1);
    }
}
