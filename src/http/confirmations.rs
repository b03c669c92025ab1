//! What is mailed, and confirmed by whoever reads it there: addresses, new passwords, and undoing a change of address.

use std::sync::Arc;

use poem::{Request, web::Data};
use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json};

use super::{
    Tags,
    body::{Body, Form},
    code::FieldCode,
    field::{FieldProblems, Optional, Required},
    problem::Problem,
    token_text::TokenText,
    users::Acceptance,
    web::Web,
};
use crate::accounts::{Accounts, ConfirmationCode, EmailAddress, MailToken, NewPassword, Proof};

/// Where a letter is to go.
#[derive(Debug, Object)]
pub(super) struct MailTarget {
    /// The email address of the account.
    email: Required<EmailAddress>,
}

impl Form for MailTarget {
    type Parsed = EmailAddress;

    fn parse(self, problems: &mut FieldProblems) -> Option<EmailAddress> {
        problems.take("email", self.email.0)
    }
}

/// What a letter said: the token of its link, or its code and the address of the account.
#[derive(Debug, Object)]
pub(super) struct MailedProof {
    /// What the link in the letter holds.
    token: Optional<TokenText>,
    /// The email address that the account has, with `code`.
    email: Optional<EmailAddress>,
    /// The six digits in the letter, in place of `token`. They are good for 10 minutes and 5 tries.
    code: Optional<TokenText>,
}

impl Form for MailedProof {
    type Parsed = Proof;

    fn parse(self, problems: &mut FieldProblems) -> Option<Proof> {
        let token = problems.take("token", self.token.0);
        let email = problems.take("email", self.email.0);
        let code = problems.take("code", self.code.0);
        match (token?, email?, code?) {
            (Some(token), None, None) => Some(Proof::Token(MailToken::new(token.reveal()))),
            (None, Some(email), Some(code)) => Some(Proof::Code { email, code: ConfirmationCode::new(code.reveal()) }),
            (Some(_), _, _) => {
                problems.add("token", FieldCode::Invalid, "cannot be there together with `email` or `code`");
                None
            }
            (None, None, None) => {
                problems.add("token", FieldCode::Required, "is required, or `email` and `code` in its place");
                None
            }
            (None, None, Some(_)) => {
                problems.add("email", FieldCode::Required, "is required with `code`");
                None
            }
            (None, Some(_), None) => {
                problems.add("code", FieldCode::Required, "is required with `email`");
                None
            }
        }
    }
}

/// What a letter said, and the new password.
#[derive(Debug, Object)]
pub(super) struct PasswordReset {
    /// What the link in the letter holds.
    token: Optional<TokenText>,
    /// The email address that the account has, with `code`.
    email: Optional<EmailAddress>,
    /// The six digits in the letter, in place of `token`. They are good for 10 minutes and 5 tries.
    code: Optional<TokenText>,
    /// The new password, for which the same holds as at registration.
    password: Required<NewPassword>,
}

impl Form for PasswordReset {
    type Parsed = (Proof, NewPassword);

    fn parse(self, problems: &mut FieldProblems) -> Option<(Proof, NewPassword)> {
        let Self { token, email, code, password } = self;
        let proof = MailedProof { token, email, code }.parse(problems);
        let password = problems.take_password("password", password.0);
        Some((proof?, password?))
    }
}

/// What the letter to the former address said.
#[derive(Debug, Object)]
pub(super) struct UndoneChange {
    /// What the link in the letter holds.
    token: Required<TokenText>,
}

impl Form for UndoneChange {
    type Parsed = MailToken;

    fn parse(self, problems: &mut FieldProblems) -> Option<MailToken> {
        problems.take("token", self.token.0).map(|token| MailToken::new(token.reveal()))
    }
}

#[derive(ApiResponse)]
enum Requested {
    /// If somebody has the address, a letter is on its way. It is the same for everybody.
    #[oai(status = 202)]
    Accepted(Json<Acceptance>),
}

#[derive(ApiResponse)]
enum Confirmed {
    /// It is done, and the letter is used up.
    #[oai(status = 204)]
    Done,
}

/// The operations on what is mailed.
pub(super) struct Confirmations;

#[OpenApi(prefix_path = "/v1", tag = "Tags::Confirmations")]
impl Confirmations {
    /// Ask for a letter to confirm an address
    ///
    /// It goes out if there is an account with the address, and the address has not been confirmed. The answer is the same in
    /// any case, and so is the time that it takes.
    #[oai(path = "/email-verifications", method = "post", operation_id = "request_email_verification")]
    async fn request_email_verification(
        &self,
        accounts: Data<&Arc<Accounts>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        body: Body<MailTarget>,
    ) -> Result<Requested, Problem> {
        accounts.request_verification(body.0, web.mail_request(request)).await?;
        Ok(Requested::Accepted(Json(Acceptance {})))
    }

    /// Confirm an address
    ///
    /// If it is the one that the person wants instead of theirs (`pending_email`), the account has it from now on. A letter to
    /// the former one says so; for 7 days it lets whoever reads it undo the change.
    #[oai(path = "/email-verifications/confirm", method = "post", operation_id = "confirm_email_verification")]
    async fn confirm_email_verification(
        &self,
        accounts: Data<&Arc<Accounts>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        body: Body<MailedProof>,
    ) -> Result<Confirmed, Problem> {
        accounts.confirm_email(body.0, web.mail_request(request)).await?;
        Ok(Confirmed::Done)
    }

    /// Ask for a letter to set a new password
    ///
    /// It goes out if there is an account with the address. The answer is the same in any case, and so is the time that it
    /// takes.
    #[oai(path = "/password-resets", method = "post", operation_id = "request_password_reset")]
    async fn request_password_reset(
        &self,
        accounts: Data<&Arc<Accounts>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        body: Body<MailTarget>,
    ) -> Result<Requested, Problem> {
        accounts.request_password_reset(body.0, web.mail_request(request)).await?;
        Ok(Requested::Accepted(Json(Acceptance {})))
    }

    /// Set a new password
    ///
    /// Ends every session, and confirms the address.
    #[oai(path = "/password-resets/confirm", method = "post", operation_id = "confirm_password_reset")]
    async fn confirm_password_reset(
        &self,
        accounts: Data<&Arc<Accounts>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        body: Body<PasswordReset>,
    ) -> Result<Confirmed, Problem> {
        let (proof, password) = body.0;
        accounts.reset_password(proof, password, web.mail_request(request)).await?;
        Ok(Confirmed::Done)
    }

    /// Undo a change of address
    ///
    /// The account has its former address again. Every session ends, and the password is good no more: a letter to the
    /// address lets its reader set a new one.
    #[oai(path = "/email-changes/undo", method = "post", operation_id = "undo_email_change")]
    async fn undo_email_change(
        &self,
        accounts: Data<&Arc<Accounts>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        body: Body<UndoneChange>,
    ) -> Result<Confirmed, Problem> {
        accounts.undo_email_change(body.0, web.mail_request(request)).await?;
        Ok(Confirmed::Done)
    }
}
