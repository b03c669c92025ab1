//! `latchkey serve`: runs the service until a signal stops it.

use std::{io, process::ExitCode, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use super::{fail, say};
use crate::{
    accounts::SystemClock,
    app::App,
    config::{Config, warn_of_unknown_variables},
    telemetry, traces,
};

/// How long the collector may take for the last traces.
const FLUSH: Duration = Duration::from_secs(3);

/// Runs the service. While it starts, SIGINT and SIGTERM end it at once. Once it serves, they drain it, and end it when what
/// is under way is done. One more ends the drain, and where that is over, the service at once.
#[must_use]
pub fn serve(config: &Config) -> ExitCode {
    let traces = config.traces.options().and_then(|options| options.as_ref().map(traces::start).transpose());
    let (layer, exporter) = match traces {
        Ok(traces) => traces.unzip(),
        Err(e) => return fail(&format!("cannot send traces (LATCHKEY_OTLP_ENDPOINT): {e}")),
    };
    telemetry::start(config, layer);
    warn_of_unknown_variables();
    config.traces.warn();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail(&format!("cannot start: {e}")),
    };
    runtime.block_on(async {
        // Registered before anything is started, so that an early signal is not missed.
        let (Ok(mut early), Ok(mut signals)) = (listen(), listen()) else { return fail("cannot listen for signals") };
        let (end_traces, traces_end) = oneshot::channel::<()>();
        let exporter = exporter.map(|exporter| tokio::spawn(exporter.run(traces_end.map(drop))));
        // In a task, which has another thread: a start may wait for Redis or a name server, or keep this one busy with a file.
        let watch = tokio::spawn(async move {
            next(&mut early).await;
            tracing::info!("stopped before it served anybody");
            std::process::exit(0);
        });
        let app = match App::start(config, Arc::new(SystemClock)).await {
            Ok(app) => app,
            Err(e) => return fail(&e.to_string()),
        };
        watch.abort();
        let url = app.url();
        say(&format!("The API is at {url}/v1\nTry it at {url}/docs\nThe data is in {}\n", app.data()));
        if let Some(address) = app.metrics_address() {
            say(&format!("Metrics are at http://{address}/metrics\n"));
        }
        let drain = app.drain();
        let stop = async {
            next(&mut signals).await;
            drain.begin();
            if !config.drain_delay.is_zero() {
                tracing::info!(delay = ?config.drain_delay, "draining");
                // What ends it, time or a signal, leads to the same.
                let _ = tokio::time::timeout(config.drain_delay, next(&mut signals)).await;
            }
            tracing::info!("stopping");
            tokio::spawn(async move {
                next(&mut signals).await;
                tracing::warn!("stopped at once, by a second signal");
                std::process::exit(1);
            });
        };
        app.run(stop).await;
        drop(end_traces);
        if let Some(exporter) = exporter
            && tokio::time::timeout(FLUSH, exporter).await.is_err()
        {
            tracing::warn!("the last traces could not be sent within {FLUSH:?}");
        }
        ExitCode::SUCCESS
    })
}

fn listen() -> io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
}

async fn next((interrupt, terminate): &mut (Signal, Signal)) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
