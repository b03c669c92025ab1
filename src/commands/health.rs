//! `latchkey health`: asks a running service whether it is ready.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use super::{fail, say};
use crate::{config::Config, server};

/// How long the service may take, in each step.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks the service that these settings make. With a plain socket, so that a container needs no other program for this.
#[must_use]
pub fn health(config: &Config, as_json: bool) -> ExitCode {
    let ip = match config.listen {
        SocketAddr::V4(a) if a.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(a) if a.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        known => known.ip(),
    };
    let address = SocketAddr::new(ip, config.listen.port());
    match ask(address, config.tls.identity().is_some()) {
        Ok(answer) if as_json => {
            // What the API answers, whatever that is.
            say(&format!("{}\n", answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim_end())));
            if is_ready(&answer) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Ok(answer) if is_ready(&answer) => say("ready\n"),
        Ok(answer) => {
            let first = answer.lines().next().unwrap_or("no answer").replace(char::is_control, " ");
            fail(&format!("not ready: {first}"))
        }
        Err(e) => fail(&format!("not ready: {address}: {e}")),
    }
}

fn is_ready(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 ")
}

fn ask(address: SocketAddr, with_tls: bool) -> io::Result<String> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    if with_tls { ask_over(server::tls_to_self(stream)?, address) } else { ask_over(stream, address) }
}

fn ask_over(mut stream: impl Read + Write, address: SocketAddr) -> io::Result<String> {
    write!(stream, "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    Ok(answer)
}
