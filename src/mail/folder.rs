//! A folder that letters are written into where there is no mail server: one `.eml` file each.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{FOLDER_TIMEOUT, LetterKind, SendError, message::Message};

/// The folder.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Writes a letter. One with the same id is replaced. The file is there when it is whole.
    pub(super) async fn put(&self, kind: LetterKind, message: Message) -> Result<(), SendError> {
        let folder = self.0.clone();
        let writing = tokio::task::spawn_blocking(move || write(&folder, &message));
        let written = match tokio::time::timeout(FOLDER_TIMEOUT, writing).await {
            Ok(written) => written.map_err(io::Error::other).flatten(),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {FOLDER_TIMEOUT:?}"))),
        };
        let file = written.map_err(|e| SendError::Temporary(format!("cannot write into {}: {e}", self.0.display())))?;
        tracing::info!("a letter of the kind {kind} was written to {}", file.display());
        Ok(())
    }
}

/// Letters have secrets in them: only their owner may look into the folder.
fn write(folder: &Path, message: &Message) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = folder.join(format!("{}.eml", message.id));
    let unfinished = folder.join(format!(".{}.part", message.id));
    let mut part = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    part.write_all(&message.bytes)?;
    part.sync_all()?;
    fs::rename(&unfinished, &file)?;
    Ok(file)
}
