//! What a change of a user does with the list of administrators, before it is committed and after.

use crate::accounts::{
    Accounts,
    error::Error,
    random::Random,
    user::{OperationId, User, UserId},
};

/// How far a change has come with the list. It is one for all attempts of the change.
#[derive(Debug)]
pub(in crate::accounts) struct Turn {
    op: OperationId,
    is_listed: bool,
    is_struck_off: bool,
}

impl Turn {
    pub(in crate::accounts) fn new(random: Random) -> Self {
        Self { op: OperationId::new(random), is_listed: false, is_struck_off: false }
    }
}

impl Accounts {
    /// Lists a user who gets the role `admin`, or strikes off one who loses it, is suspended, or goes (`next` is none). It
    /// comes before each commit that may do that and expects `user` as they were read.
    ///
    /// # Errors
    /// [`Error::LastAdmin`] when nobody else is an administrator; [`Error::TooManyAdmins`]; [`Error::Contended`] and the
    /// errors of the store.
    pub(in crate::accounts) async fn take_turn(
        &self,
        user: &User,
        next: Option<&mut User>,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        match next {
            Some(next) if next.has_admin_role() && !next.is_suspended(now) => {
                if !self.is_admin(user).await? {
                    turn.is_listed = true;
                    self.list_admin(user.id, turn.op).await?;
                    next.admin_op = Some(turn.op);
                }
            }
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

    /// Takes back what was done for a user who was not made.
    pub(in crate::accounts) async fn unlist_admin(&self, user: UserId, turn: &Turn) {
        if turn.is_listed {
            self.unlist(user).await;
        }
    }

    /// Does what follows from the outcome of a change.
    pub(in crate::accounts) async fn settle_turn<T>(&self, user: UserId, turn: &Turn, outcome: &Result<T, Error>) {
        match outcome {
            Ok(_) if turn.is_listed => self.tidy_admin(user, turn.op).await,
            // Whether it was committed is unknown. If it was, nothing is to be done; if not, the user has a role that makes
            // them no administrator.
            Ok(_) | Err(Error::StoreUnavailable(_)) => {}
            Err(_) if turn.is_struck_off => self.list_again(user).await,
            Err(_) => {}
        }
    }
}
