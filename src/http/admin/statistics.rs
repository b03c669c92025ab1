//! `/v1/admin/statistics`: the figures of the service.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, param::Query, payload::Json};

use super::auth::Administrator;
use crate::{
    accounts::{self, Accounts},
    http::{Tags, problem::Problem},
};

/// The figures of the service.
#[derive(Debug, Object)]
struct Statistics {
    /// How many users there are.
    users: u64,
    /// How many of them have a confirmed address.
    verified: u64,
    /// How many of them used a session within the last 24 hours.
    active_1d: u64,
    /// How many of them used a session within the last 7 days.
    active_7d: u64,
    /// How many of them used a session within the last 30 days.
    active_30d: u64,
    /// What happened on the last days, today first.
    days: Vec<DayFigures>,
}

/// What happened on a day.
#[derive(Debug, Object)]
struct DayFigures {
    /// The day (UTC), as `yyyy-mm-dd`.
    date: String,
    /// Accounts that were made, but for those that were imported.
    registrations: u64,
    /// Sign-ins.
    sign_ins: u64,
    /// Attempts to sign in that failed, without those that were too many at once to be noted.
    sign_in_failures: u64,
}

#[derive(ApiResponse)]
enum Figures {
    /// The figures.
    #[oai(status = 200)]
    Found(Json<Statistics>),
}

/// The operation of `/v1/admin/statistics`.
pub(in crate::http) struct ServiceStatistics;

#[OpenApi(prefix_path = "/v1/admin", tag = "Tags::Administration")]
impl ServiceStatistics {
    /// Read the figures
    ///
    /// They are counted in the commits that change them, so they are exact, but for failed sign-ins: where more than 256
    /// wait at once in one instance, the rest is not counted. It needs `statistics:read`.
    #[oai(path = "/statistics", method = "get", operation_id = "get_statistics")]
    async fn get(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// How many days.
        #[oai(default = "default_days", validator(minimum(value = "1"), maximum(value = "90")))]
        days: Query<u32>,
    ) -> Result<Figures, Problem> {
        let accounts::Statistics { users, verified, active_1d, active_7d, active_30d, days } =
            accounts.statistics(&by.0, days.0).await?;
        let days = days.into_iter().map(|day| DayFigures {
            date: day.date,
            registrations: day.registrations,
            sign_ins: day.sign_ins,
            sign_in_failures: day.sign_in_failures,
        });
        let days = days.collect();
        Ok(Figures::Found(Json(Statistics { users, verified, active_1d, active_7d, active_30d, days })))
    }
}

fn default_days() -> u32 {
    30
}
