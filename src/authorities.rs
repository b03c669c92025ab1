//! Which authorities the TLS connections of this service trust.

use std::{fmt, path::Path, sync::Arc};

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore,
    client::WantsClientCert,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// What trusts the authorities in this file (PEM), or those of the system. It still has to be said whether a certificate
/// is shown.
///
/// # Errors
/// Why the file cannot be used, with its name.
pub(crate) fn trusting(ca_file: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca_file {
        let failed = |e: &dyn fmt::Display| format!("the certificates in {}: {e}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).map_err(|e| failed(&e))? {
            roots.add(certificate.map_err(|e| failed(&e))?).map_err(|e| failed(&e))?;
        }
        if roots.is_empty() {
            return Err(failed(&"there is none"));
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
    Ok(config.with_root_certificates(roots))
}
