//! A small service that trusts Latchkey's access tokens. It knows nothing of Latchkey's code: copy it, and change it.
//!
//! Beside Latchkey, which `cargo run` starts:
//!
//! ```sh
//! cargo run --example protected_service -- --issuer http://127.0.0.1:9443 --listen 127.0.0.1:9444
//! ```
//!
//! - `main.rs`: what is open, what needs a token, and what needs a permission
//! - `token.rs`: what makes a token good
//! - `keys.rs`: the issuer's keys, how they are found and how long they are kept
//! - `refusal.rs`: what is answered to the others
//!
//! What it needs: `clap`, `jsonwebtoken` with `aws_lc_rs`, `poem`, `reqwest` with `json` (and `rustls` for an issuer on
//! https), `serde`, `serde_json`, `tokio`, `tracing` and `tracing-subscriber`.

mod keys;
mod refusal;
mod token;

use std::{
    io::Write,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use clap::Parser;
use poem::{
    Body, Endpoint, EndpointExt, IntoResponse, Request, Route, Server, get, handler,
    http::StatusCode,
    listener::TcpAcceptor,
    web::{Data, Json},
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use self::token::{Caller, Verifier};

/// Articles that everybody who is signed in may read, and some may write.
#[derive(Parser)]
struct Arguments {
    /// Whose tokens are trusted: the `LATCHKEY_ISSUER` of Latchkey.
    #[arg(long, default_value = "http://127.0.0.1:9443")]
    issuer: String,

    /// What the tokens must be meant for: the `LATCHKEY_AUDIENCE` of Latchkey. By default it is the issuer.
    #[arg(long)]
    audience: Option<String>,

    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:9444")]
    listen: SocketAddr,
}

#[derive(Clone, Deserialize)]
struct Draft {
    title: String,
}

#[derive(Clone, Serialize)]
struct Article {
    title: String,
    /// The id of a user. It never changes and is never given to somebody else, unlike an email address.
    author: String,
}

type Articles = Arc<Mutex<Vec<Article>>>;

#[handler]
fn home() -> &'static str {
    "Everybody may read this. GET /articles needs a token, POST /articles the permission articles:write.\n"
}

/// A handler that takes a [`Caller`] is reached with a good token only.
#[handler]
fn read(_: Caller, Data(articles): Data<&Articles>) -> impl IntoResponse {
    Json(articles.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

#[handler]
async fn write(caller: Caller, Data(articles): Data<&Articles>, body: Body) -> poem::Result<impl IntoResponse> {
    caller.must("articles:write")?;
    let Draft { title } = body.into_json().await?;
    let article = Article { title, author: caller.user };
    articles.lock().unwrap_or_else(PoisonError::into_inner).push(article.clone());
    Ok((StatusCode::CREATED, Json(article)))
}

/// Reads the body before anybody is refused: a connection that is closed over unread bytes can take the answer along. It has
/// a bound, since one without an end would take all memory.
async fn read_body<E: Endpoint>(next: Arc<E>, mut request: Request) -> poem::Result<E::Output> {
    let body = request.take_body().into_bytes_limit(64 * 1024).await?;
    request.set_body(body);
    next.call(request).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { issuer, audience, listen } = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let audience = audience.unwrap_or_else(|| issuer.clone());
    let verifier = Verifier::new(issuer, audience)?;
    let routes = Route::new()
        .at("/", get(home))
        .at("/articles", get(read).post(write))
        .around(read_body)
        .data(Articles::default())
        .data(Arc::new(verifier));

    let listener = TcpListener::bind(listen).await?;
    writeln!(std::io::stdout(), "The articles are at http://{}/articles", listener.local_addr()?)?;
    Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?).run(routes).await?;
    Ok(())
}
