//! Administrators: who has the role `admin` that is built in, and that there is always one of them.
//!
//! A user and the record of all administrators are in two slots, and no commit writes both. So that two administrators who
//! remove each other at once do not both succeed:
//!
//! - Somebody **is an administrator** if their user record has the role and an operation ([`User::admin_op`]), and the record of
//!   administrators lists the user with this very operation. A user who is suspended or deleted is none.
//! - **Promoting** lists the user with an operation that is new, then writes the role and the operation into the user. No
//!   operation is listed again once it has been in a user. Only a change that gives the role promotes: who has its name
//!   otherwise, such as by an import, is left as they are by every other change.
//! - **Demoting**, suspending and deleting first strike the user off the list, in a commit that expects the list as it was
//!   read, after reading that somebody else on it is an administrator who can sign in; and then write the user, who must be
//!   as they were read before. A user who is not listed, or with other operations only, is only written.
//! - Where the second commit fails for sure after the first, a promotion takes its operation off the list, and whoever was
//!   struck off is promoted again.
//! - A list that is full loses those on it who are no administrators, if there is one among the others who can sign in. If
//!   one of these was about to be written, whoever does that sees it afterwards, and promotes them again.
//!
//! Only a write of the user makes somebody an administrator, since no operation is listed twice. So whoever was none when
//! they were read is none when that read still holds, and writing them then takes no administrator away. What follows is
//! checked exhaustively in [`model`]: once there is an administrator, there is one at every moment, whatever happens at
//! once and wherever it stops; and the same of an administrator who can sign in, which takes a password, and a confirmed
//! address where one is required. What takes these away from somebody, such as undoing a change of their address, is never
//! refused, for their account may be in wrong hands, and a letter brings them back.
//!
//! A user may be left with the role who is no administrator: where a process ends between the two commits, where the store
//! does not answer the second, and where it fails when somebody is to be promoted again, which the log then tells. Giving
//! them the role once more makes them one.

mod first;
#[cfg(test)]
mod model;
mod protocol;
mod turn;

use std::collections::BTreeMap;

pub use self::first::FirstAdmin;
pub(super) use self::turn::Turn;
use super::{
    clock::Timestamp,
    error::Error,
    grants::spaced,
    user::{OperationId, User, UserId},
};
use crate::store::{Fields, Record};

/// How many there are at most.
const MAX_ADMINS: usize = 100;

/// Who is listed, and with which operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Listed(BTreeMap<UserId, Vec<OperationId>>);

impl Listed {
    fn read(record: Option<&Record>) -> Result<Self, Error> {
        let wrong = || Error::Corrupt("the record of administrators".to_owned());
        let mut listed = Self::default();
        for (user, ops) in record.iter().flat_map(|record| &record.fields) {
            let ops = ops.split(' ').map(OperationId::parse).collect::<Option<_>>();
            listed.0.insert(user.parse().map_err(|_| wrong())?, ops.ok_or_else(wrong)?);
        }
        Ok(listed)
    }

    fn write(&self) -> Fields {
        let mut fields = Fields::new();
        fields.extend(self.0.iter().map(|(user, ops)| (user.to_string(), spaced(ops))));
        fields
    }

    /// Whether this user is an administrator.
    fn has(&self, user: &User, now: Timestamp) -> bool {
        let op = user.admin_op.filter(|_| user.has_admin_role() && !user.is_suspended(now));
        counts(op.as_ref(), self.0.get(&user.id).map_or(&[], Vec::as_slice))
    }
}

/// Whether the operation of a user is among those that they are listed with.
fn counts<T: PartialEq>(op: Option<&T>, listed: &[T]) -> bool {
    op.is_some_and(|op| listed.contains(op))
}

impl User {
    /// Whether they have the role, which alone makes nobody an administrator.
    pub(super) fn has_admin_role(&self) -> bool {
        self.grants.names_admin()
    }
}
