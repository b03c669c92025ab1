//! `/health`: for whoever keeps the service running.
#![expect(clippy::unused_async, reason = "the macro of poem-openapi takes async handlers only")]

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json};

use super::{Tags, problem::Problem};
use crate::accounts::Accounts;

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
    /// Answers 200 when the store answers and has a key that signs access tokens, so that requests can be served.
    #[oai(path = "/ready", method = "get", operation_id = "health_ready")]
    async fn ready(&self, accounts: Data<&Arc<Accounts>>) -> Result<Healthy, Problem> {
        accounts.check_ready().await?;
        Ok(ok())
    }
}

fn ok() -> Healthy {
    Healthy::Ok(Json(Health { status: "ok".to_owned() }))
}
