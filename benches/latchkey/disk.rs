//! What the disk costs by itself: the floor under every commit of the embedded store, which ends with one fdatasync.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::folder::temporary_folder;

const PAGE: [u8; 4096] = [7; 4096];

/// A file in a folder like the one of the store.
pub(crate) struct Disk {
    file: File,
    _folder: TempDir,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let folder = temporary_folder();
        let file = OpenOptions::new().append(true).create(true).open(folder.path().join("file")).unwrap();
        Self { file, _folder: folder }
    }

    /// A file that is written in its midst, as the store's file is, once it has room.
    pub(crate) fn with_room() -> Self {
        let folder = temporary_folder();
        let mut file = File::create(folder.path().join("file")).unwrap();
        for _ in 0..64 {
            file.write_all(&PAGE).unwrap();
        }
        file.sync_all().unwrap();
        Self { file, _folder: folder }
    }

    pub(crate) fn append(&mut self) -> Duration {
        let begun = Instant::now();
        self.file.write_all(&PAGE).unwrap();
        self.file.sync_data().unwrap();
        begun.elapsed()
    }

    pub(crate) fn overwrite(&mut self) -> Duration {
        let begun = Instant::now();
        self.file.write_all_at(&PAGE, 8 * 4096).unwrap();
        self.file.sync_data().unwrap();
        begun.elapsed()
    }
}
