//! Looking at roles, defining them and deleting them.

use std::collections::BTreeSet;

use super::{DefinedRole, RoleDefinition, book::RoleBook};
use crate::{
    accounts::{
        Accounts,
        authority::Authority,
        capability::Capability,
        error::Error,
        events::{Act, EventKind},
        grants::{Permission, Role},
        keys,
        random::Random,
        users::VersionMatch,
    },
    store::{Batch, CommitError, Expectation, Name, Record, Revision},
};

impl Accounts {
    /// Every role, by name: those that are defined and the one that is built in.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; the errors of the store.
    pub async fn roles(&self, by: &Authority) -> Result<Vec<DefinedRole>, Error> {
        by.needs(Capability::ReadRoles)?;
        let (mut book, _) = self.role_book().await?;
        book.0.extend(DefinedRole::admin().map(|admin| (admin.name.clone(), admin)));
        Ok(book.0.into_values().collect())
    }

    /// The role with this name.
    ///
    /// # Errors
    /// [`Error::RoleNotFound`] when it is not defined; [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; the
    /// errors of the store.
    pub async fn role(&self, by: &Authority, name: &Role) -> Result<DefinedRole, Error> {
        let found = self.roles(by).await?.into_iter().find(|role| role.name == *name);
        found.ok_or(Error::RoleNotFound)
    }

    /// Defines a role, anew or instead of what it was. Who has it may do what it gives at once. Nobody gives what they may
    /// not do themselves, nor takes it away.
    ///
    /// # Errors
    /// [`Error::RoleBuiltIn`]; [`Error::VersionMismatch`]; [`Error::RoleBookFull`]; [`Error::PermissionDenied`] or
    /// [`Error::InsufficientScope`]; [`Error::Contended`] and the errors of the store.
    pub async fn put_role(
        &self,
        by: &Authority,
        name: &Role,
        definition: RoleDefinition,
        expected: &VersionMatch,
    ) -> Result<DefinedRole, Error> {
        let role = |former: Option<&DefinedRole>| {
            by.may_give(&definition.capabilities())?;
            let version = former.map_or_else(|| first_version(self.random), |former| former.version + 1);
            let unchanged = former.filter(|former| former.definition == definition);
            let written =
                || DefinedRole { name: name.clone(), definition: definition.clone(), version, is_built_in: false };
            Ok(Some(unchanged.cloned().unwrap_or_else(written)))
        };
        self.change_role(by, name, expected, role).await?.ok_or(Error::RoleNotFound)
    }

    /// Deletes a role. Users who have it keep its name, and it gives them nothing.
    ///
    /// # Errors
    /// [`Error::RoleNotFound`]; [`Error::RoleBuiltIn`]; [`Error::VersionMismatch`]; [`Error::PermissionDenied`] or
    /// [`Error::InsufficientScope`]; [`Error::Contended`] and the errors of the store.
    pub async fn delete_role(&self, by: &Authority, name: &Role, expected: &VersionMatch) -> Result<(), Error> {
        let none = |former: Option<&DefinedRole>| former.map(|_| None).ok_or(Error::RoleNotFound);
        self.change_role(by, name, expected, none).await.map(drop)
    }

    /// Writes what `change` makes of a role, and answers it.
    async fn change_role(
        &self,
        by: &Authority,
        name: &Role,
        expected: &VersionMatch,
        change: impl Fn(Option<&DefinedRole>) -> Result<Option<DefinedRole>, Error>,
    ) -> Result<Option<DefinedRole>, Error> {
        by.needs(Capability::WriteRoles)?;
        if name.is_admin() {
            return Err(Error::RoleBuiltIn);
        }
        let mut retry = self.retry();
        loop {
            let (mut book, revision) = self.role_book().await?;
            let former = book.0.remove(name);
            if let Some(former) = &former {
                by.may_give(&former.definition.capabilities())?;
            }
            let next = change(former.as_ref())?;
            expected.check_version(former.as_ref().map(|former| former.version))?;
            if next == former {
                return Ok(next);
            }
            book.0.extend(next.clone().map(|role| (name.clone(), role)));
            let fields = book.write()?;
            let mut batch = Batch::new(keys::roles());
            batch.expect(Name::ROOT, revision.map_or(Expectation::Absent, Expectation::Revision));
            batch.put(Name::ROOT, fields);
            self.note_service_act(&mut batch, self.clock.now(), act(by, name, former.as_ref(), next.as_ref()));
            match self.store.commit(batch).await {
                Ok(_) => return Ok(next),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    async fn role_book(&self) -> Result<(RoleBook, Option<Revision>), Error> {
        let record = self.read_roles().await?;
        Ok((RoleBook::read(record.as_ref())?, record.map(|record| record.revision)))
    }

    /// What somebody gives who gives these roles.
    ///
    /// # Errors
    /// Those of the store.
    pub(in crate::accounts) async fn roles_give(&self, roles: &BTreeSet<Role>) -> Result<BTreeSet<Permission>, Error> {
        super::permissions(self.read_roles().await?.as_ref(), roles)
    }

    /// The record of what roles give, if any role was defined.
    ///
    /// # Errors
    /// Those of the store.
    pub(in crate::accounts) async fn read_roles(&self) -> Result<Option<Record>, Error> {
        Ok(self.store.get(&keys::roles().key(&Name::ROOT)).await?)
    }
}

/// The version of a role that is not there: of a role of this name that was deleted, no version comes again, or a change
/// that is meant for that one would overwrite this one. Its 52 bits are a whole number to every program.
fn first_version(random: Random) -> u64 {
    u64::from_le_bytes(random.bytes()) >> 12
}

/// What happens to a role that becomes another, or none.
fn act(by: &Authority, name: &Role, former: Option<&DefinedRole>, next: Option<&DefinedRole>) -> Act {
    let kind = if next.is_some() { EventKind::RoleDefined } else { EventKind::RoleDeleted };
    let given = |role: Option<&DefinedRole>| role.map(|role| role.definition.permissions.clone()).unwrap_or_default();
    let (old, new) = (given(former), given(next));
    Act::new(kind, by.origin()).with("role", name.as_str()).giving(new.difference(&old), old.difference(&new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_role_is_a_whole_number_to_every_program() {
        assert!((0..100).all(|_| first_version(Random) < 1 << 53));
    }
}
