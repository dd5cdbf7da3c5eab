//! Keeps the run record at the destination up to date while the run goes on, so that the budget and
//! the begin of a run that is killed are not forgotten.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::context::Context;
use super::joined;
use super::unit_error::error_chain;

/// The time between two writes: what a kill can make the budget forget is what fits in there.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Saving {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Starts saving.
pub(super) fn start(context: &Arc<Context>) -> Saving {
    let stop = CancellationToken::new();
    let (context, stopped) = (Arc::clone(context), stop.clone());
    let task = tokio::spawn(async move {
        while stopped.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            if let Err(error) = context.save().await {
                // The data files come first; if the destination is really gone, they will tell.
                debug!(error = %error_chain(&error), "run record not saved");
            }
        }
    });
    Saving { stop, task }
}

impl Saving {
    /// Stops, after a write under way.
    pub(super) async fn end(self) {
        self.stop.cancel();
        joined(self.task.await);
    }
}
