//! The life of an account, by the client that progenitor makes of the OpenAPI document.

#[allow(warnings)]
mod latchkey {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

use std::{env, fmt::Debug};

use futures::TryStreamExt;
use latchkey::{
    Client, ClientSessionsExt, ClientUsersExt,
    types::{
        Credentials, FieldProblemCode, Problem, ProblemCode, RefreshRequest, Registration, SignInResult, UserChanges,
    },
};
use progenitor_client::{ByteStream, Error, ResponseValue};
use reqwest::header::{AUTHORIZATION, ETAG, HeaderMap};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";

type Answer<T> = Result<ResponseValue<T>, Error<ByteStream>>;

/// What an answer gives that must have this status.
fn good<T>(answer: Answer<T>, status: u16) -> T {
    let answer = answer.map_err(|error| error.to_string()).unwrap();
    assert_eq!(answer.status(), status);
    answer.into_inner()
}

/// A problem that must have this status and this code. progenitor gives the bytes of what is not `application/json`.
async fn refused<T: Debug>(answer: Answer<T>, status: u16, code: ProblemCode) -> Problem {
    let Err(Error::ErrorResponse(answer)) = answer else { panic!("no problem but {answer:?}") };
    assert_eq!(answer.status(), status);
    let bytes: Vec<_> = answer.into_inner_stream().try_collect().await.unwrap();
    let problem: Problem = serde_json::from_slice(&bytes.concat()).unwrap();
    assert_eq!((problem.code, problem.status), (code, status));
    problem
}

fn credentials(password: &str) -> Credentials {
    Credentials::builder().login(EMAIL).password(password).try_into().unwrap()
}

async fn sign_in(client: &Client) -> SignInResult {
    good(client.sign_in().body(credentials(PASSWORD)).send().await, 201)
}

fn bearer(url: &str, signed_in: &SignInResult) -> Client {
    let token = signed_in.access_token.as_ref().unwrap();
    let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
    Client::new_with_client(url, reqwest::Client::builder().default_headers(headers).build().unwrap())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = env::args().nth(1).expect("which service?");
    let anybody = Client::new(&url);

    let registration = Registration::builder().email(EMAIL).password(PASSWORD).name("Ada Lovelace".parse().ok());
    let registration: Registration = registration.try_into().unwrap();
    let registered = good(anybody.register().body(registration.clone()).send().await, 201);
    assert_eq!((registered.email.as_str(), registered.name.as_deref()), (EMAIL, Some("Ada Lovelace")));
    println!("registered");

    refused(anybody.register().body(registration).send().await, 409, ProblemCode::EmailTaken).await;
    println!("address taken");

    // The types of the client hold too short a password back.
    assert!(Registration::try_from(Registration::builder().email(EMAIL).password("short")).is_err());
    let invalid = anybody.register().body_map(|body| body.email("nobody").password(PASSWORD)).send().await;
    let errors = refused(invalid, 422, ProblemCode::ValidationFailed).await.errors;
    let [error] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!((error.field.as_str(), error.code), ("email", FieldProblemCode::Invalid));
    println!("body refused");

    let wrong = anybody.sign_in().body(credentials("wrong")).send().await;
    refused(wrong, 401, ProblemCode::InvalidCredentials).await;
    println!("password wrong");

    let first = sign_in(&anybody).await;
    assert_eq!(first.user.id, registered.id);
    let ada = bearer(&url, &first);
    println!("signed in");

    let read = ada.get_me().send().await;
    let version = read.as_ref().unwrap().headers()[ETAG].to_str().unwrap().to_owned();
    assert_eq!(serde_json::to_value(good(read, 200)).unwrap(), serde_json::to_value(&registered).unwrap());
    println!("read");

    let changes: UserChanges = UserChanges::builder().username("ada".parse().ok()).try_into().unwrap();
    let changed = good(ada.patch_me().if_match(version.as_str()).body(changes.clone()).send().await, 200);
    assert_eq!(changed.username.as_deref(), Some("ada"));
    println!("changed");

    let stale = ada.patch_me().if_match(version.as_str()).body(changes).send().await;
    refused(stale, 412, ProblemCode::VersionMismatch).await;
    println!("version stale");

    let sessions = good(ada.list_sessions().send().await, 200).items;
    assert_eq!(sessions.iter().map(|session| session.id).collect::<Vec<_>>(), [first.session.id]);
    println!("sessions listed");

    let refresh = RefreshRequest::builder().refresh_token(first.refresh_token.clone());
    let refreshed = good(anybody.refresh_session().body(refresh).send().await, 200);
    assert_eq!(refreshed.session.id, first.session.id);
    assert_ne!(refreshed.access_token, first.access_token);
    let ada = bearer(&url, &refreshed);
    println!("refreshed");

    let events = good(ada.list_events().limit(10).send().await, 200).items;
    let kinds = events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>();
    assert_eq!(kinds, ["user_updated", "signed_in", "sign_in_failed", "registered"]);
    assert_eq!(events[1].actor.id, Some(registered.id));
    println!("events listed");

    let exported = good(ada.export_me().send().await, 200);
    assert_eq!((exported.user.username.as_deref(), exported.events.items.len()), (Some("ada"), events.len()));
    println!("exported");

    good(ada.sign_out().send().await, 204);
    println!("signed out");

    refused(ada.get_me().send().await, 401, ProblemCode::TokenInvalid).await;
    println!("token refused");

    let ada = bearer(&url, &sign_in(&anybody).await);
    println!("signed in again");

    good(ada.delete_me().send().await, 204);
    let gone = anybody.sign_in().body(credentials(PASSWORD)).send().await;
    refused(gone, 401, ProblemCode::InvalidCredentials).await;
    println!("deleted");
}
