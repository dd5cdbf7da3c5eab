//! `gong-export simulator`.

use tokio_util::sync::CancellationToken;

use super::args::SimulatorArgs;
use super::environment;
use super::error::Failure;
use super::exit_code::Exit;
use super::output::Printer;
use crate::sim;

/// Serves until a signal ends it.
pub(super) async fn simulator(args: &SimulatorArgs, printer: Printer) -> Result<Exit, Failure> {
    let SimulatorArgs { port, config } = args;
    let stop = CancellationToken::new();
    environment::stop_on_signal(stop.clone())
        .map_err(|error| Failure::of(Exit::Failed, "cannot listen for signals", &error))?;
    let running =
        sim::start(config.clone(), sim::Clock::from_fn(environment::now), Some(*port)).await.map_err(|error| {
            Failure::of(Exit::Failed, &format!("cannot serve on port {port}"), &error).hint("--port 0 picks a free one")
        })?;
    if printer.is_json() {
        printer.json(&serde_json::json!({
            "base_url": running.base_url().as_str(),
            "access_key": config.access_key,
            "access_key_secret": config.access_key_secret,
        }));
    } else {
        let base_url = running.base_url();
        printer.result(&format!(
            "simulated Gong API, Ctrl-C ends it\n\
             export GONG_BASE_URL={base_url}\n\
             export GONG_ACCESS_KEY={}\n\
             export GONG_ACCESS_KEY_SECRET={}\n",
            config.access_key, config.access_key_secret,
        ));
    }
    stop.cancelled().await;
    Ok(Exit::Done)
}
