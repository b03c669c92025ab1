//! What can be said of the file and of the disk that it is on.

use std::{io, os::unix::fs::PermissionsExt, path::Path};

use crate::store::{Check, Finding};

/// What should be left on the disk, in bytes.
const ROOM: u64 = 100 * 1024 * 1024;

pub(super) fn inspect(file: &Path) -> Vec<Finding> {
    vec![permissions(file), free_space(file)]
}

/// A folder that others may look into is no fault, as long as they cannot put another file in the place of ours.
fn permissions(file: &Path) -> Finding {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let is_open =
        |path: &Path, bits: u32| -> io::Result<bool> { Ok(path.metadata()?.permissions().mode() & bits != 0) };
    let check = Check::FilePermissions;
    match is_open(file, 0o077).and_then(|file| Ok((file, is_open(folder, 0o022)?))) {
        Ok((false, false)) => Finding::ok(check, "only its owner can read and replace the file"),
        Ok((true, _)) => Finding::warning(check, format!("{} is open to others than its owner", file.display()))
            .mend(format!("chmod 600 {}", file.display())),
        Ok((false, true)) => Finding::warning(check, format!("others can replace the files in {}", folder.display()))
            .mend(format!("chmod 700 {}", folder.display())),
        Err(e) => Finding::unknown(check, e.to_string()),
    }
}

fn free_space(file: &Path) -> Finding {
    match rustix::fs::statvfs(file) {
        Ok(disk) => judge(disk.f_bavail.saturating_mul(disk.f_frsize), file),
        Err(e) => Finding::unknown(Check::FreeSpace, e.to_string()),
    }
}

fn judge(free: u64, file: &Path) -> Finding {
    if free >= ROOM {
        return Finding::ok(Check::FreeSpace, "at least 100 MiB are left on the disk");
    }
    let found = format!("{} MiB are left on the disk", free / 1024 / 1024);
    Finding::warning(Check::FreeSpace, found).mend(format!("make room on the disk of {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Severity;

    #[test]
    fn less_than_100_mib_on_the_disk_are_few() {
        let file = Path::new("/data/latchkey.redb");
        assert_eq!(judge(ROOM, file).severity, Severity::Ok);
        let told = judge(ROOM - 1, file);
        assert_eq!((told.severity, told.found.as_str()), (Severity::Warning, "99 MiB are left on the disk"));
        assert_eq!(told.mend.unwrap(), "make room on the disk of /data/latchkey.redb");
    }

    #[test]
    fn of_a_file_that_has_gone_nothing_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let told = inspect(&folder.path().join("latchkey.redb"));
        assert_eq!(told.iter().map(|told| told.severity).collect::<Vec<_>>(), [Severity::Unknown; 2]);
    }
}
