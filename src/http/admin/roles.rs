//! `/v1/admin/roles`: looking at roles, defining them and deleting them.

mod schema;

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json};

use self::schema::{RoleDefinition, RoleList, RoleView};
pub(in crate::http) use self::schema::{role_json, roles_json};
use super::auth::Administrator;
use crate::{
    accounts::{Accounts, Error, Role},
    http::{
        Tags,
        body::Body,
        etag::{self, IfMatch},
        header::Given,
        problem::Problem,
    },
};

#[derive(ApiResponse)]
enum Listed {
    /// Every role, by name.
    #[oai(status = 200)]
    Found(Json<RoleList>),
}

#[derive(ApiResponse)]
enum Read {
    /// The role.
    #[oai(status = 200)]
    Found(
        Json<RoleView>,
        /// The version of the role.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Deleted {
    /// The role is gone.
    #[oai(status = 204)]
    Done,
}

/// The operations of `/v1/admin/roles`.
pub(in crate::http) struct Roles;

#[OpenApi(prefix_path = "/v1/admin/roles", tag = "Tags::Administration")]
impl Roles {
    /// List roles
    ///
    /// Needs `roles:read`. The role `admin` is built in and always here.
    #[oai(path = "/", method = "get", operation_id = "list_roles")]
    async fn list(&self, accounts: Data<&Arc<Accounts>>, by: Administrator) -> Result<Listed, Problem> {
        let roles = accounts.roles(&by.0).await?;
        Ok(Listed::Found(Json(RoleList::of(&roles))))
    }

    /// Read a role
    ///
    /// Needs `roles:read`.
    #[oai(path = "/:name", method = "get", operation_id = "get_role")]
    async fn get(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The role's name.
        name: Path<String>,
    ) -> Result<Read, Problem> {
        let role = accounts.role(&by.0, &known(&name.0)?).await?;
        Ok(Read::Found(Json(RoleView::from(&role)), etag::of_version(role.version)))
    }

    /// Define a role
    ///
    /// Needs `roles:write`, and every capability that the role gives or gave: nobody gives or takes what they may not do
    /// themselves. Who has the role may do what it gives at once; access tokens that were made before go on saying what they
    /// said. All roles together give at most 128 different permissions of 2,000 characters in all, there are at most 200
    /// roles, and what is said of all of them, with their descriptions, is at most 32,768 bytes of JSON.
    #[oai(path = "/:name", method = "put", operation_id = "put_role")]
    async fn put(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The role's name: 1 to 64 characters of `a-z 0-9 _ . : -`, the first of them a letter.
        name: Path<String>,
        /// The `ETag` of the version that is to be replaced.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
        body: Body<RoleDefinition>,
    ) -> Result<Read, Problem> {
        let name = name.0.parse::<Role>().map_err(schema::invalid_name)?;
        let role = accounts.put_role(&by.0, &name, body.0, &if_match.0.0).await?;
        Ok(Read::Found(Json(RoleView::from(&role)), etag::of_version(role.version)))
    }

    /// Delete a role
    ///
    /// Needs `roles:write`, and every capability that the role gives. Users who have it keep its name, which gives them
    /// nothing here.
    #[oai(path = "/:name", method = "delete", operation_id = "delete_role")]
    async fn delete(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The role's name.
        name: Path<String>,
        /// The `ETag` of the version that is to be deleted.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
    ) -> Result<Deleted, Problem> {
        accounts.delete_role(&by.0, &known(&name.0)?, &if_match.0.0).await?;
        Ok(Deleted::Done)
    }
}

/// The name of a role that may be there.
fn known(name: &str) -> Result<Role, Error> {
    name.parse().map_err(|_| Error::RoleNotFound)
}
