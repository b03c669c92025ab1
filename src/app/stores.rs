//! Opening the store that the settings name.

use std::{
    fs::{self, DirBuilder},
    io,
    path::Path,
};

use tokio::signal::unix::{SignalKind, signal};

use super::StartError;
use crate::{
    config::{Config, RedisUrl, Tier},
    store::{Durability, Embedded, OpenError, Redis, RedisOptions, Store},
};

/// The file of the embedded store, in its folder.
const FILE: &str = "latchkey.redb";

/// Opens a store, and makes none.
pub(super) async fn open_existing_store(config: &Config) -> Result<(Store, String, &'static str), StartError> {
    if config.redis_url.is_some() {
        return open_store(config).await;
    }
    survive_full_files();
    if is_without_a_file(config) {
        let shown = config.data_dir.display();
        return Err(StartError(format!(
            "there is no store in {shown} (LATCHKEY_DATA_DIR); the service makes it when it starts"
        )));
    }
    open_file(config, Embedded::open_existing)
}

/// Whether it is an embedded store that nobody has made yet.
pub(super) fn is_without_a_file(config: &Config) -> bool {
    config.redis_url.is_none() && matches!(config.data_dir.join(FILE).try_exists(), Ok(false))
}

/// Opens a store, or makes it.
pub(super) async fn open_store(config: &Config) -> Result<(Store, String, &'static str), StartError> {
    survive_full_files();
    if let Some(url) = &config.redis_url {
        let shown = url.redacted();
        let store = Redis::connect(&redis_options(config, url)?).await;
        let store =
            store.map_err(|e| StartError(format!("cannot reach Redis at {shown} (LATCHKEY_REDIS_URL): {e}")))?;
        return Ok((Store::Redis(store), shown, "LATCHKEY_REDIS_URL"));
    }
    let folder = &config.data_dir;
    make_private_folder(folder)
        .map_err(|e| StartError(format!("cannot use the folder {} (LATCHKEY_DATA_DIR): {e}", folder.display())))?;
    open_file(config, Embedded::open)
}

fn open_file(
    config: &Config,
    open: impl FnOnce(&Path) -> Result<Embedded, OpenError>,
) -> Result<(Store, String, &'static str), StartError> {
    let shown = config.data_dir.display();
    let store = open(&config.data_dir.join(FILE))
        .map_err(|e| StartError(format!("cannot open the store in {shown} (LATCHKEY_DATA_DIR): {e}")))?;
    Ok((Store::Embedded(store), format!("{shown}/"), "LATCHKEY_DATA_DIR"))
}

fn redis_options(config: &Config, url: &RedisUrl) -> Result<RedisOptions, StartError> {
    let mut options = RedisOptions::new(url.reveal(), &config.key_prefix);
    if let Some(file) = &config.redis_password_file {
        let failed = |e| StartError(format!("cannot read {} (LATCHKEY_REDIS_PASSWORD_FILE): {e}", file.display()));
        let password = fs::read_to_string(file).map_err(failed)?;
        options.password = Some(password.trim_end_matches(['\r', '\n']).to_owned());
    }
    options.ca_file.clone_from(&config.redis_ca_file);
    options.identity = config.redis_cert_file.clone().zip(config.redis_key_file.clone());
    options.durability = match config.durability {
        Tier::Relaxed => Durability::Relaxed,
        Tier::Fsync => Durability::Fsync,
        Tier::Replicated => Durability::Replicated(config.replicas),
    };
    Ok(options)
}

/// By default, whoever writes to a file that is as large as it may be is killed. Now the write fails instead: to the store,
/// or to what a command was to write.
fn survive_full_files() {
    let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
}

/// The folder holds password hashes: only its owner may look into it.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
