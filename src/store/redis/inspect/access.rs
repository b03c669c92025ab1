//! Who may come in, and who may read along.

use std::net::IpAddr;

use super::Facts;
use crate::store::{Check, Finding};

pub(super) fn tls(facts: &Facts) -> Finding {
    if facts.is_encrypted {
        return Finding::ok(Check::Tls, "the connections use TLS");
    }
    match remote(facts) {
        None => Finding::ok(Check::Tls, "the connections do not leave this machine"),
        Some(host) => Finding::warning(Check::Tls, format!("the connections to {host} are plain text"))
            .mend("let the server take TLS (tls-port), and use a URL that begins with rediss"),
    }
}

/// A server that nobody else can reach needs no password.
pub(super) fn acl(facts: &Facts) -> Finding {
    let account = match &facts.account {
        Ok(account) => account,
        Err(unanswered) => return unanswered.unknown(Check::Acl),
    };
    let name = &account.name;
    match remote(facts) {
        _ if account.has_password => Finding::ok(Check::Acl, format!("`{name}` needs a password")),
        None => Finding::ok(Check::Acl, format!("`{name}` needs no password, on this machine")),
        Some(host) => Finding::warning(Check::Acl, format!("`{name}` needs no password at {host}"))
            .mend(format!("redis-cli ACL SETUSER {name} resetpass '>a long password'; put it into the URL as well")),
    }
}

/// A host that is not this machine.
fn remote(facts: &Facts) -> Option<&str> {
    let is_here = |host: &str| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    facts.hosts.iter().map(String::as_str).find(|host| !is_here(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Severity::{Ok, Warning};

    #[test]
    fn plain_text_is_for_this_machine_alone() {
        let judged = |hosts: &[&str], is_encrypted| {
            let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
            tls(&Facts { hosts, is_encrypted, ..Facts::told("") }).severity
        };
        assert_eq!(judged(&["localhost", "127.0.0.1", "::1"], false), Ok);
        assert_eq!(judged(&[], false), Ok, "a socket has no host");
        // A sentinel on this machine may name a master elsewhere.
        assert_eq!(judged(&["127.0.0.1", "10.0.0.7"], false), Warning);
        assert_eq!(judged(&["10.0.0.7"], true), Ok);
    }
}
