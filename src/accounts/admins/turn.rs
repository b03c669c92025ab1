//! What a change of a user does with the list of administrators, before it is committed and after.

use crate::accounts::{
    Accounts,
    error::Error,
    random::Random,
    user::{OperationId, User, UserId},
};

/// How far a change has come with the list. It is one for all attempts of the change.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is a fact of its own")]
pub(in crate::accounts) struct Turn {
    op: OperationId,
    /// Whether the change gives the role, and does not only leave it where it is.
    gives: bool,
    is_listed: bool,
    /// Whether the last attempt writes the operation into the user.
    is_promotion: bool,
    is_struck_off: bool,
}

impl Turn {
    /// Of a change that gives the role `admin`, or of one that does not.
    pub(in crate::accounts) fn new(random: Random, gives: bool) -> Self {
        let op = OperationId::new(random);
        Self { op, gives, is_listed: false, is_promotion: false, is_struck_off: false }
    }

    /// Whether the user becomes an administrator by what is committed next.
    pub(in crate::accounts) fn is_promotion(&self) -> bool {
        self.is_promotion
    }
}

impl Accounts {
    /// Lists a user who is given the role `admin`, or strikes off one who loses it, is suspended, or goes (`next` is none). It
    /// comes before each commit that may do that and expects `user` as they were read.
    ///
    /// # Errors
    /// [`Error::UserSuspended`] when such a user would get the role; [`Error::LastAdmin`] when nobody else is an
    /// administrator who can sign in; [`Error::TooManyAdmins`]; [`Error::Contended`] and the errors of the store.
    pub(in crate::accounts) async fn take_turn(
        &self,
        user: &User,
        next: Option<&mut User>,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        turn.is_promotion = false;
        match next {
            Some(next) if turn.gives && next.has_admin_role() => {
                if next.is_suspended(now) {
                    return Err(Error::UserSuspended);
                }
                if !self.is_admin(user).await? {
                    turn.is_listed = true;
                    self.list_admin(user.id, turn.op).await?;
                    next.admin_op = Some(turn.op);
                    turn.is_promotion = true;
                }
            }
            Some(next) if next.has_admin_role() && !next.is_suspended(now) => {}
            next => {
                if let Some(next) = next {
                    next.admin_op = None;
                }
                if user.has_admin_role() && self.strike_off(user).await? {
                    turn.is_struck_off = true;
                }
            }
        }
        Ok(())
    }

    /// Does what follows from the outcome of a change.
    pub(in crate::accounts) async fn settle_turn<T>(&self, user: UserId, turn: &Turn, outcome: &Result<T, Error>) {
        match outcome {
            Ok(_) if turn.is_promotion => self.tidy_admin(user, turn.op).await,
            // Whether it was committed is unknown. If it was, nothing is to be done; if not, the user has a role that makes
            // them no administrator.
            Err(Error::StoreUnavailable(_)) => {}
            // Also where another change was first to give them the role.
            _ if turn.is_listed => self.unlist(user, turn.op).await,
            Err(_) if turn.is_struck_off => self.list_again(user).await,
            _ => {}
        }
    }
}
