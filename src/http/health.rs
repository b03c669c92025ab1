//! `/health`: for whoever keeps the service running, and for load balancers.
#![expect(clippy::unused_async, reason = "the macro of poem-openapi takes async handlers only")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json};

use super::{Tags, code::Code, problem::Problem};
use crate::accounts::Accounts;

/// Whether the service is about to stop. Clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<AtomicBool>);

impl Drain {
    /// From here on the service is not ready, so that load balancers send no new requests, and every answer over HTTP/1.1
    /// ends its connection (RFC 9112, 9.6), so that none is kept until the service closes it. Requests are served all the
    /// same.
    pub fn begin(&self) {
        self.0.store(true, Relaxed);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// How the service is.
#[derive(Debug, Object)]
struct Health {
    /// `ok`.
    status: String,
}

#[derive(ApiResponse)]
enum Healthy {
    /// It is well.
    #[oai(status = 200)]
    Ok(Json<Health>),
}

/// The operations of `/health`.
pub(super) struct HealthChecks;

#[OpenApi(prefix_path = "/health", tag = "Tags::Health")]
impl HealthChecks {
    /// Is it alive?
    ///
    /// Answers while the process serves requests, whatever the state of the store.
    #[oai(path = "/live", method = "get", operation_id = "health_live")]
    async fn live(&self) -> Healthy {
        ok()
    }

    /// Is it ready?
    ///
    /// Answers 200 when the store answers, a key that signs access tokens is loaded, and the service is not about to stop:
    /// so requests can be sent here.
    #[oai(path = "/ready", method = "get", operation_id = "health_ready")]
    async fn ready(&self, accounts: Data<&Arc<Accounts>>, drain: Data<&Drain>) -> Result<Healthy, Problem> {
        if drain.has_begun() {
            return Err(Problem::new(Code::Draining));
        }
        accounts.check_ready().await?;
        Ok(ok())
    }
}

fn ok() -> Healthy {
    Healthy::Ok(Json(Health { status: "ok".to_owned() }))
}
