//! What goes over the wire about users.

use poem_openapi::Object;
use serde_json::{Map, Value};

use crate::{
    accounts::{
        self, DisplayName, EmailAddress, GuardedPatch, Locale, Metadata, NewPassword, Password, UserPatch, Username,
    },
    http::{
        body::Form,
        code::FieldCode,
        field::{FieldProblems, Nullable, Optional, Required},
        scalar::{DateTime, Email, Id, JsonObject, OrNull},
    },
};

/// A person's account.
#[derive(Debug, Object)]
pub(in crate::http) struct User {
    /// The user's id. It is never used again.
    id: Id,
    /// The email address, as the person typed it. No two users have the same, whatever its case.
    email: Email,
    /// Whether the person has shown that the address is theirs.
    email_verified: bool,
    /// The address that the person wants instead, until they have shown that it is theirs.
    pending_email: OrNull<Email>,
    /// The username, as the person typed it. No two users have the same, whatever its case.
    username: OrNull<String>,
    /// The display name.
    name: OrNull<String>,
    /// The language that the person reads: a language tag (BCP 47).
    locale: OrNull<String>,
    /// Whatever the application keeps with the user.
    metadata: JsonObject,
    /// What the person is to the services that trust this one, sorted. An operator decides.
    roles: Vec<String>,
    /// What the person may do there, sorted: by permissions of their own and by their roles. An operator decides. The role
    /// `admin`, which may do everything at Latchkey, gives none here.
    permissions: Vec<String>,
    /// When the account was made.
    created_at: DateTime,
    /// When anything shown here last changed.
    updated_at: DateTime,
}

impl From<&accounts::User> for User {
    fn from(user: &accounts::User) -> Self {
        Self {
            id: Id(user.id.to_string()),
            email: Email(user.email.as_str().to_owned()),
            email_verified: user.email_verified,
            pending_email: OrNull(user.pending_email.as_ref().map(|email| Email(email.as_str().to_owned()))),
            username: OrNull(user.username.as_ref().map(ToString::to_string)),
            name: OrNull(user.name.as_ref().map(|name| name.as_str().to_owned())),
            locale: OrNull(user.locale.as_ref().map(ToString::to_string)),
            metadata: JsonObject(user.metadata.as_object().clone()),
            roles: user.grants.roles().iter().map(ToString::to_string).collect(),
            permissions: user.permissions().into_iter().map(ToString::to_string).collect(),
            created_at: DateTime(user.created_at.to_string()),
            updated_at: DateTime(user.updated_at.to_string()),
        }
    }
}

/// Who somebody wants to be.
#[derive(Debug, Object)]
pub(super) struct Registration {
    /// The email address. No two users have the same, whatever its case.
    email: Required<EmailAddress>,
    /// The password: 8 to 256 characters of any kind, or as many more than 8 as the operator asks for. One that is easy to
    /// guess is refused with `too_guessable` and the reason, and with `breached` one that is known from a data breach, where
    /// the operator has that looked up.
    password: Required<NewPassword>,
    /// The username: 3 to 32 characters of `A-Z a-z 0-9 _ . -`, the first of them a letter. No two users have the
    /// same, whatever its case.
    username: Nullable<Username>,
    /// The display name.
    name: Nullable<DisplayName>,
    /// The language that the person reads: a language tag (BCP 47) such as `de-CH`, of at most 35 characters.
    locale: Nullable<Locale>,
    /// A JSON object of at most 4096 bytes for the application's own use. Numbers are 64-bit integers or doubles.
    metadata: Nullable<Metadata>,
}

impl Form for Registration {
    type Parsed = accounts::Registration;

    fn parse(self, problems: &mut FieldProblems) -> Option<accounts::Registration> {
        let email = problems.take("email", self.email.0);
        let password = problems.take_password("password", self.password.0);
        let username = problems.take("username", self.username.0);
        let name = problems.take("name", self.name.0);
        let locale = problems.take("locale", self.locale.0);
        let metadata = problems.take("metadata", self.metadata.0);
        Some(accounts::Registration {
            email: email?,
            password: password?,
            username: username?.set(),
            name: name?.set(),
            locale: locale?.set(),
            metadata: metadata?.set().unwrap_or_default(),
        })
    }
}

/// What is to change (a JSON merge patch, RFC 7396): what is absent stays, and null clears.
#[derive(Debug, Object)]
pub(super) struct UserChanges {
    /// The new username, or null for none.
    username: Nullable<Username>,
    /// The new display name, or null for none.
    name: Nullable<DisplayName>,
    /// The new language tag (BCP 47), or null for none.
    locale: Nullable<Locale>,
    /// A merge patch of the metadata, or null for `{}`. The result has at most 4096 bytes.
    metadata: Nullable<Map<String, Value>>,
    /// The new email address. It needs `current_password`.
    email: Optional<EmailAddress>,
    /// The new password, for which the same holds as at registration. It needs `current_password`, and ends every other
    /// session.
    password: Optional<NewPassword>,
    /// The password as it is, for changing the email address or the password. When it is given, it is checked.
    current_password: Optional<Password>,
}

impl Form for UserChanges {
    type Parsed = UserPatch;

    fn parse(self, problems: &mut FieldProblems) -> Option<UserPatch> {
        let needs_password = !matches!((&self.email.0, &self.password.0), (Ok(None), Ok(None)));
        let username = problems.take("username", self.username.0);
        let name = problems.take("name", self.name.0);
        let locale = problems.take("locale", self.locale.0);
        let metadata = problems.take("metadata", self.metadata.0);
        let email = problems.take("email", self.email.0);
        let password = match self.password.0.transpose() {
            Some(password) => problems.take_password("password", password).map(Some),
            None => Some(None),
        };
        let current_password = problems.take("current_password", self.current_password.0);
        if needs_password && matches!(current_password, Some(None)) {
            let message = "is required for changing the email address or the password";
            problems.add("current_password", FieldCode::Required, message);
        }
        let (email, password) = (email?, password?);
        let guarded = current_password?.map(|current_password| GuardedPatch { current_password, email, password });
        Some(UserPatch { username: username?, name: name?, locale: locale?, metadata: metadata?, guarded })
    }
}
