//! What can be said of a store before records are kept there that must not be lost.

use std::{fmt, str::FromStr};

/// What is looked at. The names are part of the command line, so they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Which server it is, and of what version.
    Version,
    /// Whether the server takes writes.
    Role,
    /// Whether the cluster has all its slots.
    ClusterState,
    /// Whether there is an append-only file.
    AofEnabled,
    /// Whether the append-only file can be written.
    AofLastWrite,
    /// When the append-only file is synced.
    Appendfsync,
    /// How many replicas there are.
    Replicas,
    /// Whether a master without replicas takes writes.
    MinReplicas,
    /// What is thrown away when the memory is full.
    Eviction,
    /// How full the memory is.
    Memory,
    /// Whether others on the network can read along.
    Tls,
    /// Who may come in, and what they may do.
    Acl,
    /// Whether the server has our time.
    ClockSkew,
    /// Who may change or read the files.
    FilePermissions,
    /// How full the disk is.
    FreeSpace,
    /// Whether the records are laid out as this program reads them. The store itself does not know.
    Layout,
    /// Whether the keys that sign can be opened. The store itself does not know.
    SigningKeys,
    /// Whether private keys are sealed. The store itself does not know.
    Sealing,
    /// Whether mail goes out. The store itself does not know.
    Mail,
}

/// How good or bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// The store did not say.
    Unknown,
    /// Something to mend, with which records can be kept meanwhile.
    Warning,
    /// Records would be lost, would not be as safe as they are said to be, or could not be written at all.
    Error,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How it is.
    pub severity: Severity,
    /// Which servers, when there are several and it is not the same on all.
    pub at: Option<String>,
    /// What was found, in part of a sentence.
    pub found: String,
    /// The command or the setting that mends it.
    pub mend: Option<String>,
}

impl Finding {
    pub(crate) fn new(check: Check, severity: Severity, found: impl Into<String>) -> Self {
        Self { check, severity, at: None, found: found.into(), mend: None }
    }

    pub(crate) fn ok(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Severity::Ok, found)
    }

    pub(crate) fn unknown(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Severity::Unknown, found)
    }

    pub(crate) fn warning(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Severity::Warning, found)
    }

    pub(crate) fn error(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Severity::Error, found)
    }

    /// Whether this is accepted, when the `accepted` checks are.
    #[must_use]
    pub fn is_accepted(&self, accepted: &[Check]) -> bool {
        self.check.may_be_accepted() && accepted.contains(&self.check)
    }

    /// Whether this keeps the store from being used, when the `accepted` checks do not.
    #[must_use]
    pub fn refuses(&self, accepted: &[Check]) -> bool {
        self.severity == Severity::Error && !self.is_accepted(accepted)
    }

    #[must_use]
    pub(crate) fn mend(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }
}

impl fmt::Display for Finding {
    /// One line for the operator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, found, .. } = self;
        write!(f, "{}: {found}", check.name())?;
        if let Some(at) = &self.at {
            write!(f, " at {at}")?;
        }
        write!(f, " ({})", check.why())?;
        match &self.mend {
            Some(mend) => write!(f, "; to mend it: {mend}"),
            None => Ok(()),
        }
    }
}

impl Check {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 19] = [
        Self::Version,
        Self::Role,
        Self::ClusterState,
        Self::AofEnabled,
        Self::AofLastWrite,
        Self::Appendfsync,
        Self::Replicas,
        Self::MinReplicas,
        Self::Eviction,
        Self::Memory,
        Self::Tls,
        Self::Acl,
        Self::ClockSkew,
        Self::FilePermissions,
        Self::FreeSpace,
        Self::Layout,
        Self::SigningKeys,
        Self::Sealing,
        Self::Mail,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Role => "role",
            Self::ClusterState => "cluster-state",
            Self::AofEnabled => "aof-enabled",
            Self::AofLastWrite => "aof-last-write",
            Self::Appendfsync => "appendfsync",
            Self::Replicas => "replicas",
            Self::MinReplicas => "min-replicas",
            Self::Eviction => "eviction",
            Self::Memory => "memory",
            Self::Tls => "tls",
            Self::Acl => "acl",
            Self::ClockSkew => "clock-skew",
            Self::FilePermissions => "file-permissions",
            Self::FreeSpace => "free-space",
            Self::Layout => "layout",
            Self::SigningKeys => "signing-keys",
            Self::Sealing => "sealing",
            Self::Mail => "mail",
        }
    }

    /// Why it matters.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Version => "an old server lacks commands that records are written with, or fixes of its faults",
            Self::Role => "only a master takes writes",
            Self::ClusterState => "what is in a slot that no node serves can be neither read nor written",
            Self::AofEnabled => {
                "without an append-only file, a restart of the server loses what was written since its last snapshot, \
                 or everything"
            }
            Self::AofLastWrite => "a server that cannot write its append-only file refuses all other writes",
            Self::Appendfsync => "what was not synced to the disk is lost when the power fails",
            Self::Replicas => "a write is acknowledged when enough replicas have it, and never when there are too few",
            Self::MinReplicas => "a master that is cut off from its replicas goes on writing what a failover will lose",
            Self::Eviction => "a server that evicts deletes records that are needed when its memory is full",
            Self::Memory => "a server with no memory left refuses writes",
            Self::Tls => {
                "whoever is on the network between can read records and passwords of the server, and change them"
            }
            Self::Acl => "whoever reaches the server can read and change everything",
            Self::ClockSkew => {
                "the server drops expired records by its clock, while what reads them goes by the clock of this machine"
            }
            Self::FilePermissions => "there are password hashes in the file, and whoever can write it can change them",
            Self::FreeSpace => "every write needs room on the disk, deleting too",
            Self::Layout => "records that are looked for in the wrong place are not found, and would be written twice",
            Self::SigningKeys => "without its private keys, nothing can be signed",
            Self::Mail => "whoever waits for a letter cannot go on without it",
            Self::Sealing => "whoever reads the store, or a copy of it, can sign with the private keys that lie in it",
        }
    }

    /// Whether somebody who knows better may go on in spite of an error.
    #[must_use]
    pub fn may_be_accepted(self) -> bool {
        !matches!(self, Self::Layout | Self::SigningKeys)
    }
}

impl FromStr for Check {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|check| check.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_known_by_its_name_and_told_in_order() {
        for check in Check::ALL {
            assert_eq!(check.name().parse(), Ok(check));
        }
        assert!(Check::ALL.is_sorted());
        assert_eq!("users".parse::<Check>(), Err(()));
    }
}
