//! Who or what attempts are counted for.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use super::{Limits, ThrottleSettings};
use crate::{
    accounts::{claims::Handle, device_token::DeviceId, login::Login, user::UserId},
    mail::LetterKind,
    metrics::{Label, label},
};

label! {
    /// What attempts are counted for, for clients and for metrics.
    pub enum Policy {
        /// One login, or one person who is signed in.
        Account = "account",
        /// A device that signed in before.
        Device = "device",
        /// Where sign-ins come from.
        Address = "address",
        /// Where registrations come from.
        Registrations = "registrations",
        /// An address that letters go to.
        Mails = "mails",
        /// Who asks for letters.
        MailRequests = "mail_requests",
    }
}

/// Who or what attempts are counted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum Subject {
    /// What a stranger signs in with, whether or not there is such an account. An account that has several logins is
    /// counted for each: whether two of them are the same person's is nobody's business.
    Login(Login),
    /// A device that signed in before.
    Device(DeviceId),
    /// Somebody who is signed in, and gives the password.
    User(UserId),
    /// Where sign-ins come from.
    Address(IpAddr),
    /// Where registrations come from.
    Registrations(IpAddr),
    /// An address that letters of a kind go to, whether or not it has an account: those of one kind keep nobody from having
    /// one of another.
    Mails(LetterKind, Handle),
    /// Where requests for mails come from.
    MailsFrom(IpAddr),
    /// Somebody who is signed in, and has mails sent to addresses of their choice.
    MailsBy(UserId),
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Subject {
    /// An address to count for. Whoever is on this machine is a proxy, or may do as they like.
    pub(in crate::accounts) fn address(address: Option<IpAddr>, kind: fn(IpAddr) -> Self) -> Option<Self> {
        address.filter(|address| !address.is_loopback()).map(|address| kind(network(address)))
    }

    /// What it is counted for.
    pub(super) fn policy(&self) -> Policy {
        match self {
            Self::Login(_) | Self::User(_) => Policy::Account,
            Self::Device(_) => Policy::Device,
            Self::Address(_) => Policy::Address,
            Self::Registrations(_) => Policy::Registrations,
            Self::Mails(..) => Policy::Mails,
            Self::MailsFrom(_) | Self::MailsBy(_) => Policy::MailRequests,
        }
    }

    pub(super) fn limits<'s>(&self, settings: &'s ThrottleSettings) -> &'s Limits {
        match self {
            Self::Login(_) | Self::Device(_) | Self::User(_) => &settings.per_account,
            Self::Address(_) => &settings.per_address,
            Self::Registrations(_) => &settings.registrations,
            Self::Mails(..) => &settings.mails_per_address,
            Self::MailsFrom(_) | Self::MailsBy(_) => &settings.mails_per_sender,
        }
    }

    /// What no other subject is called.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Login(login) => format!("login:{}", login.canonical()),
            Self::Device(id) => format!("device:{id}"),
            Self::User(id) => format!("user:{id}"),
            Self::Address(address) => format!("address:{address}"),
            Self::Registrations(address) => format!("registrations:{address}"),
            Self::Mails(kind, handle) => format!("mails:{kind}:{}", handle.canonical),
            Self::MailsFrom(address) => format!("mails_from:{address}"),
            Self::MailsBy(id) => format!("mails_by:{id}"),
        }
    }
}

/// The part of an address that one customer of a provider has: all of an IPv4 address, and the first 64 bits of an IPv6
/// address, whose rest everybody chooses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_address() {
        let subject = |text: &str| Subject::address(Some(text.parse().unwrap()), Subject::Address).unwrap();
        assert_eq!(subject("2001:db8:1:2::1"), subject("2001:db8:1:2:ffff::9"));
        assert_ne!(subject("2001:db8:1:2::1"), subject("2001:db8:1:3::1"));
        assert_eq!(subject("::ffff:192.0.2.1"), subject("192.0.2.1"));
        assert_ne!(subject("192.0.2.1"), subject("192.0.2.2"));
    }

    #[test]
    fn this_machine_is_not_counted() {
        for local in ["127.0.0.1", "127.8.8.8", "::1"] {
            assert_eq!(Subject::address(local.parse().ok(), Subject::Address), None, "{local}");
        }
        assert_eq!(Subject::address(None, Subject::Address), None);
    }
}
