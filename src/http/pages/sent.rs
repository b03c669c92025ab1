//! A form that was sent: what is in it, and what it does.

use std::{collections::BTreeSet, sync::Arc};

use poem::Request;
use serde_json::{Map, Value};

use super::{form::Filled, page::Page};
use crate::{
    accounts::{Accounts, ConfirmationCode, MailRequest, MailToken},
    http::{
        code::Code,
        confirmations::{MailedProof, PasswordReset, UndoneChange},
        field::FieldProblems,
        problem::Problem,
        urlencoded,
    },
};

/// What forms hold.
const FIELDS: [&str; 4] = ["token", "email", "code", "password"];

/// A form as it was sent.
pub(super) struct Sent {
    fields: Map<String, Value>,
    problems: FieldProblems,
}

impl Sent {
    /// Reads the form of a request.
    pub(super) async fn read(request: &mut Request, accounts: &Accounts) -> poem::Result<Self> {
        if !urlencoded::is_form(request) {
            let detail = "This page takes a form of the media type `application/x-www-form-urlencoded`.";
            return Err(Problem::new(Code::UnsupportedMediaType).with_detail(detail).into());
        }
        let bytes = request.take_body().into_bytes().await?;
        let mut problems = FieldProblems::new(accounts.settings().passwords.clone());
        let mut fields = urlencoded::fields(&bytes, &BTreeSet::from(FIELDS), &mut problems);
        // A browser sends what was left empty too.
        fields.retain(|name, value| !matches!(name.as_str(), "token" | "code") || value != "");
        if !fields.contains_key("token") {
            // Then the address is asked for, and not the token, when both are missing.
            fields.entry("email").or_insert_with(|| "".into());
        }
        Ok(Self { fields, problems })
    }

    /// What to fill into the form if it is shown once more.
    pub(super) fn filled(&self) -> Filled {
        let text = |name| self.fields.get(name).and_then(Value::as_str);
        Filled {
            token: text("token").map(MailToken::new).filter(MailToken::is_well_formed),
            email: text("email").unwrap_or_default().to_owned(),
            code: text("code").map(ConfirmationCode::new),
        }
    }

    /// Does what the form of this page is for. A wrong token is a broken link, in whichever way it is wrong.
    pub(super) async fn act(self, page: Page, accounts: &Arc<Accounts>, request: MailRequest) -> Result<(), Problem> {
        let outcome = self.run(page, accounts, request).await;
        let is_of_token = |problem: &Problem| problem.errors().iter().any(|error| error.field == "token");
        outcome.map_err(|e| if is_of_token(&e) { Problem::new(Code::ConfirmationInvalid) } else { e })
    }

    async fn run(self, page: Page, accounts: &Arc<Accounts>, request: MailRequest) -> Result<(), Problem> {
        let Self { fields, problems } = self;
        match page {
            Page::Verify => {
                accounts.confirm_email(urlencoded::parse::<MailedProof>(fields, problems)?, request).await?;
            }
            Page::Reset => {
                let (proof, password) = urlencoded::parse::<PasswordReset>(fields, problems)?;
                accounts.reset_password(proof, password, request).await?;
            }
            Page::Undo => {
                accounts.undo_email_change(urlencoded::parse::<UndoneChange>(fields, problems)?, request).await?;
            }
        }
        Ok(())
    }
}
