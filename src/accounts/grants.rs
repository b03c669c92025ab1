//! What a user may do: roles and permissions, which an operator gives and takes away.
//!
//! Latchkey tells them to the services that trust it, and these decide. It looks at those alone that begin with
//! [`Capability::PREFIX`](super::capability::Capability::PREFIX).

use std::{collections::BTreeSet, fmt, str::FromStr};

/// Names a type of word: 1 to 64 characters of `a-z 0-9 _ . : -`, the first of them a letter.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidGrant;

            fn from_str(text: &str) -> Result<Self, InvalidGrant> {
                if is_word(text) { Ok(Self(text.to_owned())) } else { Err(InvalidGrant) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

word! {
    /// What somebody is to a service, such as `editor`.
    Role
}

word! {
    /// What somebody may do, such as `articles:publish`.
    Permission
}

impl Role {
    /// The role that is built in.
    pub(super) const ADMIN: &str = "admin";

    /// Whether it is the role that is built in: with it, a user who is also in the record of administrators may do
    /// everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.0 == Self::ADMIN
    }
}

/// The text is neither a role nor a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("1 to 64 characters of a-z 0-9 _ . : - are needed, the first of them a letter")]
pub struct InvalidGrant;

fn is_word(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | ':' | '-');
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(legal)
}

/// The roles and permissions of a user: at most [`Grants::MAX_ROLES`] and [`Grants::MAX_PERMISSIONS`], and
/// [`Grants::MAX_CHARACTERS`] in all, since they stand in every access token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    roles: BTreeSet<Role>,
    permissions: BTreeSet<Permission>,
}

/// More roles or permissions than a user may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a user has at most {} roles and {} permissions, of {} characters in all",
    Grants::MAX_ROLES,
    Grants::MAX_PERMISSIONS,
    Grants::MAX_CHARACTERS
)]
pub struct TooManyGrants;

impl Grants {
    /// The bound on the number of roles.
    pub const MAX_ROLES: usize = 32;
    /// The bound on the number of permissions.
    pub const MAX_PERMISSIONS: usize = 128;
    /// The bound on the length of all together: a token of more than 8 KiB is refused here, and in many a proxy, and what
    /// roles give is in it too.
    pub const MAX_CHARACTERS: usize = 2000;

    /// Puts roles and permissions together.
    ///
    /// # Errors
    /// [`TooManyGrants`] when they are over a bound.
    pub fn new(roles: BTreeSet<Role>, permissions: BTreeSet<Permission>) -> Result<Self, TooManyGrants> {
        let words = roles.iter().map(Role::as_str).chain(permissions.iter().map(Permission::as_str));
        let is_long = words.map(str::len).sum::<usize>() > Self::MAX_CHARACTERS;
        if roles.len() > Self::MAX_ROLES || permissions.len() > Self::MAX_PERMISSIONS || is_long {
            return Err(TooManyGrants);
        }
        Ok(Self { roles, permissions })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.permissions.is_empty()
    }

    /// The role that is built in, alone.
    pub(super) fn admin() -> Self {
        Self { roles: BTreeSet::from([Role(Role::ADMIN.to_owned())]), permissions: BTreeSet::new() }
    }

    /// Whether the role that is built in is among them.
    pub(super) fn names_admin(&self) -> bool {
        self.roles.iter().any(Role::is_admin)
    }

    /// The roles, sorted.
    #[must_use]
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    /// The permissions, sorted.
    #[must_use]
    pub fn permissions(&self) -> &BTreeSet<Permission> {
        &self.permissions
    }

    /// These and `more`.
    ///
    /// # Errors
    /// [`TooManyGrants`] when they are over a bound together.
    pub fn with(&self, more: &Self) -> Result<Self, TooManyGrants> {
        Self::new(&self.roles | &more.roles, &self.permissions | &more.permissions)
    }

    /// These without those that are in `less`.
    #[must_use]
    pub fn without(&self, less: &Self) -> Self {
        Self { roles: &self.roles - &less.roles, permissions: &self.permissions - &less.permissions }
    }
}

/// As an operator reads it, in a line.
impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |words: String| if words.is_empty() { "none".to_owned() } else { words };
        write!(f, "roles: {}; permissions: {}", listed(spaced(&self.roles)), listed(spaced(&self.permissions)))
    }
}

/// Words with a space between them, as they are stored.
pub(super) fn spaced<'a, T: ToString + 'a>(words: impl IntoIterator<Item = &'a T>) -> String {
    words.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Reads words with a space between them.
pub(super) fn parse_spaced<T: FromStr, All: FromIterator<T>>(text: &str) -> Option<All> {
    text.split(' ').map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(range: std::ops::Range<usize>) -> Grants {
        Grants::new(range.map(|n| format!("r{n}").parse().unwrap()).collect(), BTreeSet::new()).unwrap()
    }

    #[test]
    fn words_are_checked_at_their_bounds() {
        for good in ["a", "admin", "articles:publish", "a_b.c-d:9", &"a".repeat(64)] {
            assert_eq!(good.parse::<Role>().unwrap().as_str(), good);
            assert_eq!(good.parse::<Permission>().unwrap().as_str(), good);
        }
        for bad in ["", "A", "aB", "9a", ":a", "a b", "a,b", "ä", "a\n", "a/b", &"a".repeat(65)] {
            assert_eq!(
                (bad.parse::<Role>(), bad.parse::<Permission>()),
                (Err(InvalidGrant), Err(InvalidGrant)),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn grants_are_added_and_taken_away_within_their_bounds() {
        assert_eq!(roles(0..20).with(&roles(10..32)), Ok(roles(0..32)));
        assert_eq!(roles(0..20).with(&roles(20..33 - 1)).unwrap().with(&roles(32..33)), Err(TooManyGrants));
        assert_eq!(roles(0..20).without(&roles(10..32)), roles(0..10));
        let permissions = |count| (0..count).map(|n| format!("p{n}").parse().unwrap()).collect();
        assert!(Grants::new(BTreeSet::new(), permissions(128)).is_ok());
        assert_eq!(Grants::new(BTreeSet::new(), permissions(129)), Err(TooManyGrants));
        let long = |count| (0..count).map(|n| format!("p{n:049}").parse().unwrap()).collect();
        assert!(Grants::new(BTreeSet::new(), long(40)).is_ok());
        assert_eq!(Grants::new(BTreeSet::new(), long(41)), Err(TooManyGrants));
    }

    #[test]
    fn words_are_read_back_from_what_is_stored() {
        let roles = roles(0..3).roles;
        assert_eq!(spaced(&roles), "r0 r1 r2");
        assert_eq!(parse_spaced(&spaced(&roles)), Some(roles));
        for bad in ["", " ", "r0 ", "r0  r1", "r0,r1"] {
            assert_eq!(parse_spaced::<Role, Vec<_>>(bad), None, "{bad:?}");
        }
    }
}
