//! The database's address, with libpq's TLS words: `sslmode=disable|prefer|require|verify-ca|verify-full`, `sslrootcert=FILE`.
//!
//! As in libpq, `prefer` and `require` encrypt without asking who answers; `verify-full` asks, by the named root certificate
//! or the system's. `verify-ca` is taken as `verify-full`: to accept any name under a public root would verify nothing.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What the driver's own parser does not know.
#[derive(Debug, Default, PartialEq, Eq)]
struct TlsWords {
    verifies: bool,
    root_cert: Option<PathBuf>,
}

/// Reads an address into the driver's configuration and the TLS to speak.
pub fn read(address: &str) -> Result<(tokio_postgres::Config, MakeRustlsConnect), String> {
    let (rest, words) = take_tls_words(address)?;
    let mut config: tokio_postgres::Config = rest.parse().map_err(|error: tokio_postgres::Error| {
        format!("DATABASE_URL cannot be read: {}", crate::error::describe(&error))
    })?;
    if config.get_hosts().is_empty() {
        return Err("DATABASE_URL names no host; write postgres://user:password@host:5432/database".to_owned());
    }
    if words.verifies {
        config.ssl_mode(SslMode::Require);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let tls = if words.verifies {
        builder.with_root_certificates(roots(words.root_cert)?).with_no_client_auth()
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(EncryptOnly(provider))).with_no_client_auth()
    };
    Ok((config, MakeRustlsConnect::new(tls)))
}

/// Cuts `sslmode=verify-*` and `sslrootcert=…` out of a URL's query or a list of words.
fn take_tls_words(address: &str) -> Result<(String, TlsWords), String> {
    let mut words = TlsWords::default();
    let mut take = |pair: &str| match pair.split_once('=') {
        Some(("sslmode", "verify-ca" | "verify-full")) => {
            words.verifies = true;
            true
        }
        Some(("sslrootcert", file)) => {
            words.root_cert = (file != "system").then(|| PathBuf::from(file));
            true
        }
        _ => false,
    };
    let is_url = address.starts_with("postgres://") || address.starts_with("postgresql://");
    let rest = if is_url {
        let (base, query) = address.split_once('?').unwrap_or((address, ""));
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !take(pair)).collect();
        if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) }
    } else {
        address.split_whitespace().filter(|pair| !take(pair)).collect::<Vec<_>>().join(" ")
    };
    if words.root_cert.is_some() && !words.verifies {
        return Err("DATABASE_URL has sslrootcert without sslmode=verify-full, so it would not be used".to_owned());
    }
    Ok((rest, words))
}

fn roots(file: Option<PathBuf>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    if let Some(file) = file {
        let wrong = |error: &dyn std::fmt::Display| format!("sslrootcert {}: {error}", file.display());
        for certificate in CertificateDer::pem_file_iter(&file).map_err(|error| wrong(&error))? {
            store.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
        }
    } else {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if store.is_empty() {
        return Err("sslmode=verify-full finds no root certificate; name one with sslrootcert=FILE".to_owned());
    }
    Ok(store)
}

/// Encrypts with whoever answers: what libpq's `prefer` and `require` do.
#[derive(Debug)]
struct EncryptOnly(Arc<CryptoProvider>);

impl ServerCertVerifier for EncryptOnly {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_words_are_taken_out_of_both_forms_of_an_address() {
        let (rest, words) = take_tls_words(
            "postgres://u:p@db.example:5432/x?sslmode=verify-full&sslrootcert=/etc/ca.pem&connect_timeout=2",
        )
        .unwrap();
        assert_eq!(rest, "postgres://u:p@db.example:5432/x?connect_timeout=2");
        assert_eq!(words, TlsWords { verifies: true, root_cert: Some("/etc/ca.pem".into()) });
        let (rest, words) = take_tls_words("host=/run/pg user=u sslmode=require").unwrap();
        assert_eq!(rest, "host=/run/pg user=u sslmode=require");
        assert_eq!(words, TlsWords::default());
    }

    #[test]
    fn a_root_certificate_that_would_not_be_used_is_refused() {
        assert!(take_tls_words("postgres://db/x?sslmode=require&sslrootcert=/etc/ca.pem").is_err());
        assert!(read("user=u").is_err());
        assert!(read("nonsense://").is_err());
    }
}
