//! The `latchkey` command: it reads the command line and calls what it names.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use latchkey::{
    accounts::SystemClock,
    app::App,
    cli::{Cli, Command},
    config::Config,
    http, telemetry,
};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(&cli.config),
        Command::Openapi { yaml: false } => say(&http::openapi_json()),
        Command::Openapi { yaml: true } => say(&http::openapi_yaml()),
        Command::Health => health(cli.config.listen),
    }
}

fn serve(config: &Config) -> ExitCode {
    telemetry::start(config);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail(&format!("cannot start: {e}")),
    };
    runtime.block_on(async {
        // Registered before anything is started, so that an early signal is not missed.
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return fail("cannot listen for signals");
        };
        let app = match App::start(config, Arc::new(SystemClock)).await {
            Ok(app) => app,
            Err(e) => return fail(&e.to_string()),
        };
        let address = app.address();
        say(&format!(
            "The API is at http://{address}/v1\nTry it at http://{address}/docs\nThe data is in {}\n",
            app.data()
        ));
        let stop = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::info!("stopping");
        };
        match app.run(stop).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => fail(&format!("stopped: {e}")),
        }
    })
}

/// Asks with a plain socket, so that a container needs no other program to check its health.
fn health(listen: SocketAddr) -> ExitCode {
    let ip = match listen {
        SocketAddr::V4(a) if a.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(a) if a.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        known => known.ip(),
    };
    let address = SocketAddr::new(ip, listen.port());
    let ask = || {
        let timeout = Duration::from_secs(3);
        let mut stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        write!(stream, "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(64 * 1024).read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    match ask() {
        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => say("ready\n"),
        Ok(answer) => fail(&format!("not ready: {}", answer.lines().next().unwrap_or("no answer"))),
        Err(e) => fail(&format!("not ready: {address}: {e}")),
    }
}

fn say(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    // Whoever reads this may have closed the pipe; that is their choice.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

fn fail(line: &str) -> ExitCode {
    eprintln!("latchkey: {line}");
    ExitCode::FAILURE
}
