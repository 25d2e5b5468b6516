//! A certificate with its key, checked before it is shown to anybody.

use std::path::PathBuf;
use std::time::Duration;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, InconsistentKeys, RootCertStore};
use time::{Date, OffsetDateTime};

use super::provider;
use crate::origin::Host;

/// Certificates in one chain: a root, two between, the leaf, and room.
const CHAIN_MAX: usize = 10;
/// Seconds before the end from when on people are told: time enough for a person to act, too late for a renewal that works.
pub(super) const ENDS_SOON: u64 = 14 * 24 * 3600;
/// When every certificate has expired: the last second of the year 9999, the last that one can name.
const END_OF_TIME: u64 = 253_402_300_799;

/// A chain, its key, and until when it is good.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    key: CertifiedKey,
    /// Seconds since 1970.
    not_after: u64,
}

/// What is wrong with a certificate or a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairError {
    #[error("{} cannot be read: {fault}", path.display())]
    Unreadable { path: PathBuf, fault: std::io::Error },
    #[error("{} is larger than any certificate or key", path.display())]
    TooLarge { path: PathBuf },
    #[error("the certificate file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    #[error("the certificate file holds more than {CHAIN_MAX} certificates")]
    LongChain,
    #[error("the first certificate of the file cannot be read: {0}")]
    BadCertificate(Error),
    #[error("the key file holds no private key in PEM form, or one with a password")]
    NoKey,
    #[error("the key cannot be used: {0}")]
    BadKey(Error),
    #[error(
        "the key does not belong to the first certificate of the file; the server's own comes first, then those between"
    )]
    Mismatch,
    #[error("the certificate expired on {0}")]
    Expired(Date),
    #[error("the certificate is good from {0} only; is this machine's clock right?")]
    NotYet(Date),
}

impl Pair {
    /// Reads a chain and its key, both PEM; `now` in seconds since 1970.
    pub(crate) fn parse(chain: &[u8], key: &[u8], now: u64) -> Result<Self, PairError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .take(CHAIN_MAX + 1)
            .collect::<Result<_, _>>()
            .map_err(|_| PairError::NoCertificate)?;
        match chain.len() {
            0 => return Err(PairError::NoCertificate),
            1..=CHAIN_MAX => {}
            _ => return Err(PairError::LongChain),
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PairError::NoKey)?;
        Self::new(chain, key, now)
    }

    /// Checks that the key belongs to the first certificate and that this is good at `now`.
    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        now: u64,
    ) -> Result<Self, PairError> {
        let first = chain.first().ok_or(PairError::NoCertificate)?;
        let not_after = validity(first, now)?;
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|fault| match fault {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => PairError::Mismatch,
            fault => PairError::BadKey(fault),
        })?;
        Ok(Self { key, not_after })
    }

    pub(super) fn key(&self) -> &CertifiedKey {
        &self.key
    }

    /// Seconds since 1970.
    pub(crate) fn not_after(&self) -> u64 {
        self.not_after
    }

    /// The last day.
    pub(crate) fn until(&self) -> Date {
        date(self.not_after)
    }

    /// Whether somebody should do something about it.
    pub(crate) fn ends_soon(&self, now: u64) -> bool {
        self.not_after.saturating_sub(now) <= ENDS_SOON
    }

    /// Whether it is for `host`.
    pub(crate) fn names(&self, host: &Host<'_>) -> bool {
        let name = match host {
            Host::Name(name) => ServerName::try_from(*name).ok(),
            Host::Address(address) => Some(ServerName::IpAddress((*address).into())),
        };
        let leaf = self.key.end_entity_cert().ok();
        let leaf = leaf.and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
        match (leaf, name) {
            (Some(leaf), Some(name)) => verify_server_name(&leaf, &name).is_ok(),
            _ => false,
        }
    }
}

/// Until when a certificate is good, in seconds since 1970, if it is good at `now`. The verifier that clients use is asked:
/// it looks at the time before it looks for whoever signed, and at the end of time it names the expiry.
pub(super) fn validity(certificate: &CertificateDer<'_>, now: u64) -> Result<u64, PairError> {
    let parsed = ParsedCertificate::try_from(certificate).map_err(PairError::BadCertificate)?;
    let provider: CryptoProvider = provider();
    let ask = |at: u64| {
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &RootCertStore::empty(),
            &[],
            UnixTime::since_unix_epoch(Duration::from_secs(at)),
            provider.signature_verification_algorithms.all,
        )
    };
    match ask(now) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            return Err(PairError::Expired(date(not_after.as_secs())));
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
            return Err(PairError::NotYet(date(not_before.as_secs())));
        }
        // Who signed it is for those who are shown it to judge.
        _ => {}
    }
    Ok(match ask(END_OF_TIME) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            not_after.as_secs()
        }
        _ => END_OF_TIME,
    })
}

/// The day of a second since 1970.
pub(super) fn date(seconds: u64) -> Date {
    let seconds = i64::try_from(seconds.min(END_OF_TIME)).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(seconds).map_or(Date::MAX, OffsetDateTime::date)
}
