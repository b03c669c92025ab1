//! Whether the keys in a store can be used, and lie sealed.

use super::{record, sealing::MasterSecret};
use crate::{
    accounts::{error::Error, keys},
    store::{Check, Finding, Name, Store},
};

/// Looks at the keys of a store, and writes nothing.
pub(in crate::accounts) async fn inspect(store: &Store, secrets: &[MasterSecret]) -> Vec<Finding> {
    let (one_check, other) = (Check::SigningKeys, Check::Sealing);
    let ring = match store.get(&keys::signing().key(&Name::ROOT)).await.map_err(Error::from) {
        Ok(None) => return vec![Finding::ok(one_check, "there are none yet"), Finding::ok(other, "no key lies there")],
        Ok(Some(found)) => record::read(&found),
        Err(e) => Err(e),
    };
    let ring = match ring {
        Ok(ring) => ring,
        Err(Error::Corrupt(why)) => {
            let mend = "restore the record `{signing}` from a copy, or delete it, and all access tokens end";
            return vec![Finding::error(one_check, format!("unreadable: {why}")).mend(mend)];
        }
        Err(e) => return vec![Finding::unknown(one_check, e.to_string())],
    };
    if let Some(why) = ring.keys().iter().find_map(|key| key.open(secrets).err()) {
        let mend = "set LATCHKEY_MASTER_SECRET_FILE to a file with the secret that sealed them; where that is lost, \
                    `latchkey keys rotate --now` with another secret, and all access tokens end";
        return vec![Finding::error(one_check, why.to_string()).mend(mend)];
    }
    let plain = ring.keys().iter().filter(|key| !key.private.is_sealed()).count();
    let sealing = match plain {
        0 => Finding::ok(other, "all private keys are sealed"),
        _ if secrets.is_empty() => Finding::warning(other, "private keys lie in plain text")
            .mend("set LATCHKEY_MASTER_SECRET_FILE to a file with a secret, and start the service"),
        _ if plain < ring.keys().len() => Finding::warning(other, "private keys lie in plain text beside sealed ones")
            .mend("if you did not put them there, `latchkey keys rotate --now` drops them; the next start would seal them"),
        _ => Finding::warning(other, "private keys lie in plain text").mend("start the service, which seals them"),
    };
    vec![Finding::ok(one_check, "they can be opened"), sealing]
}
