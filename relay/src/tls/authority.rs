//! A certificate authority of the relay's own, for an organisation that has no certificate: made at the first start, kept in
//! the data folder, installed once on people's devices. It certifies one server, this one, again and again.
//!
//! ```text
//!  data/tls/authority.key ──┐ 10 years
//!  data/tls/authority.crt ──┴─ signs ──> server.crt, server.key   90 days, made anew with 30 left
//! ```
//! Whoever trusts the authority should not have to trust it with the rest of the web: it is constrained to the names that
//! the relay had when it was made, and every verifier holds it to them. Each certificate is put before the verifier that
//! clients use before it is shown.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256};
use time::{Date, OffsetDateTime};
use zeroize::Zeroizing;

use super::names::{Names, NotAName};
use super::pair::{Pair, PairError, date, validity};
use super::{pem, provider};
use crate::config::TlsFiles;

/// Where it is kept, below the data folder.
const FOLDER: &str = "tls";
const AUTHORITY_CERTIFICATE: &str = "authority.crt";
const AUTHORITY_KEY: &str = "authority.key";
const SERVER_CERTIFICATE: &str = "server.crt";
const SERVER_KEY: &str = "server.key";

const DAY: u64 = 24 * 3600;
/// Installing it is a walk from device to device: not every year.
const AUTHORITY_DAYS: u64 = 3650;
/// Some platforms refuse certificates of more than 825 days, and a stolen key is worth something for as long as its
/// certificate.
const SERVER_DAYS: u64 = 90;
/// With so many days left there is another one: a month of a relay that was off or a clock that was wrong is survived.
const RENEW_BEFORE_DAYS: u64 = 30;
/// Clocks of clients that are behind find it good already.
const BACKDATED: u64 = DAY;
/// From when on the log says that the authority itself will end.
const AUTHORITY_REMIND_DAYS: u64 = 365;

/// The authority and where it lives.
#[derive(Debug)]
pub(crate) struct Authority {
    folder: PathBuf,
    key: KeyPair,
    certificate: CertificateDer<'static>,
    names: Names,
    not_after: u64,
}

/// Why there is no authority, or no certificate of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    #[error("{} cannot be used: {fault}", path.display())]
    Io { path: PathBuf, fault: std::io::Error },
    #[error("{} is broken: restore it from a backup", path.display())]
    Broken { path: PathBuf },
    #[error(
        "{} is there without its key: restore {AUTHORITY_KEY} beside it from a backup, or move the folder away; a new \
         authority is made then, and people have to install it",
        path.display()
    )]
    KeyMissing { path: PathBuf },
    #[error(
        "the authority in {} may not certify {names} ({fault}); it is bound to the names it was made for. Move that folder \
         away if these are new: another authority is made then, and people have to install it",
        folder.display()
    )]
    Refused {
        folder: PathBuf,
        names: String,
        fault: rustls::Error,
    },
    #[error(
        "the authority in {} ended on {on}: move that folder away; a new one is made then, and people have to install it",
        folder.display()
    )]
    Ended { folder: PathBuf, on: Date },
    #[error(transparent)]
    Name(#[from] NotAName),
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error("the certificate that was made is not good: {0}")]
    Pair(#[from] PairError),
    #[error("the authority's certificate cannot be read: {0}")]
    Unreadable(rustls::Error),
}

impl Authority {
    /// The authority of a data folder, made if there is none, and its certificate for these origins; `now` in seconds
    /// since 1970.
    pub(crate) fn open(data: &Path, origins: &[String], now: u64) -> Result<(Self, Pair), AuthorityError> {
        let folder = data.join(FOLDER);
        let names = Names::of(origins)?;
        crate::data::create(&folder).map_err(|fault| io(&folder, fault))?;
        let (key, certificate) = match read(&folder.join(AUTHORITY_CERTIFICATE))? {
            Some(text) => {
                let path = folder.join(AUTHORITY_CERTIFICATE);
                let key = read(&folder.join(AUTHORITY_KEY))?
                    .ok_or_else(|| AuthorityError::KeyMissing { path: path.clone() })?;
                let key = parse_key(&key).ok_or_else(|| AuthorityError::Broken {
                    path: folder.join(AUTHORITY_KEY),
                })?;
                let certificate =
                    CertificateDer::from_pem_slice(&text).map_err(|_| AuthorityError::Broken { path })?;
                (key, certificate)
            }
            // The certificate is written last: without it nobody was given anything.
            None => make(&folder, &names, now)?,
        };
        let not_after = validity(&certificate, now).map_err(|fault| match fault {
            PairError::Expired(on) => AuthorityError::Ended {
                folder: folder.clone(),
                on,
            },
            fault => fault.into(),
        })?;
        let authority = Self {
            folder,
            key,
            certificate,
            names,
            not_after,
        };
        let pair = match authority.kept(now) {
            Some(pair) => pair,
            None => authority.renew(now)?,
        };
        Ok((authority, pair))
    }

    /// Whether a certificate that ends then is to be replaced.
    pub(super) fn is_due(&self, not_after: u64, now: u64) -> bool {
        // One that ends with its authority has no better successor.
        not_after < self.not_after && not_after.saturating_sub(now) < RENEW_BEFORE_DAYS * DAY
    }

    /// A fresh certificate, verified, then kept.
    pub(super) fn renew(&self, now: u64) -> Result<Pair, AuthorityError> {
        if self.not_after.saturating_sub(now) < AUTHORITY_REMIND_DAYS * DAY {
            tracing::warn!(
                until = %self.until(),
                "the relay's own authority ends within a year: plan for a new one, which people have to install"
            );
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.not_before = moment(now.saturating_sub(BACKDATED));
        params.not_after = moment(self.not_after.min(now + SERVER_DAYS * DAY));
        params.subject_alt_names = self.names.alternatives();
        params.distinguished_name = common_name("Chopar relay");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::new(authority_params(&self.key), &self.key);
        let certificate = params.signed_by(&key, &issuer)?.der().clone();
        self.verify(&certificate, now)?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialized_der().to_vec()));
        let pair = Pair::new(vec![certificate.clone()], der, now)?;
        self.write(SERVER_KEY, &pem::private_key(key.serialized_der()))?;
        self.write(SERVER_CERTIFICATE, pem::certificate(&certificate).as_bytes())?;
        tracing::info!(until = %pair.until(), "the relay's own authority made a certificate");
        Ok(pair)
    }

    /// The authority's certificate as a file to install.
    pub(crate) fn pem(&self) -> String {
        pem::certificate(&self.certificate)
    }

    /// SHA-256 of the certificate, as systems show it: for comparing by eye.
    pub(crate) fn fingerprint(&self) -> String {
        let digest = hex::encode_upper(Sha256::digest(&self.certificate));
        let pairs: Vec<&str> = (0..digest.len())
            .step_by(2)
            .filter_map(|at| digest.get(at..at + 2))
            .collect();
        pairs.join(":")
    }

    /// Its last day.
    pub(crate) fn until(&self) -> Date {
        date(self.not_after)
    }

    /// The names it was asked to certify, as people read them.
    pub(crate) fn names(&self) -> String {
        self.names.text()
    }

    /// The certificate of an earlier start, if it still serves.
    fn kept(&self, now: u64) -> Option<Pair> {
        let chain = read(&self.folder.join(SERVER_CERTIFICATE)).ok()??;
        let key = read(&self.folder.join(SERVER_KEY)).ok()??;
        let pair = Pair::parse(&chain, &key, now).ok()?;
        let leaf = CertificateDer::from_pem_slice(&chain).ok()?;
        let serves = self.verify(&leaf, now).is_ok()
            && self.names.hosts().all(|host| pair.names(&host))
            && !self.is_due(pair.not_after(), now);
        serves.then_some(pair)
    }

    /// Asks what a client that installed the authority will ask.
    fn verify(&self, certificate: &CertificateDer<'_>, now: u64) -> Result<(), AuthorityError> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificate.clone())
            .map_err(AuthorityError::Unreadable)?;
        let leaf = ParsedCertificate::try_from(certificate).map_err(AuthorityError::Unreadable)?;
        let verified = verify_server_cert_signed_by_trust_anchor(
            &leaf,
            &roots,
            &[],
            UnixTime::since_unix_epoch(Duration::from_secs(now)),
            provider().signature_verification_algorithms.all,
        );
        verified.map_err(|fault| AuthorityError::Refused {
            folder: self.folder.clone(),
            names: self.names(),
            fault,
        })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), AuthorityError> {
        write(&self.folder.join(name), bytes)
    }
}

/// Where the certificate that it made lies.
pub(super) fn server_files(data: &Path) -> TlsFiles {
    let folder = data.join(FOLDER);
    TlsFiles {
        certificate: folder.join(SERVER_CERTIFICATE),
        key: folder.join(SERVER_KEY),
    }
}

/// A new authority for these names, kept.
fn make(
    folder: &Path,
    names: &Names,
    now: u64,
) -> Result<(KeyPair, CertificateDer<'static>), AuthorityError> {
    let key = KeyPair::generate()?;
    let mut params = authority_params(&key);
    params.not_before = moment(now.saturating_sub(BACKDATED));
    params.not_after = moment(now + AUTHORITY_DAYS * DAY);
    params.name_constraints = Some(names.constraints());
    let certificate = params.self_signed(&key)?.der().clone();
    write(
        &folder.join(AUTHORITY_KEY),
        &pem::private_key(key.serialized_der()),
    )?;
    write(
        &folder.join(AUTHORITY_CERTIFICATE),
        pem::certificate(&certificate).as_bytes(),
    )?;
    Ok((key, certificate))
}

/// What an issuer says of itself in what it signs: all of it follows from its key, so that nothing but the key must be read.
fn authority_params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let digest = hex::encode(Sha256::digest(key.public_key_raw()));
    params.distinguished_name = common_name(&format!(
        "Chopar local authority {}",
        digest.get(..8).unwrap_or_default()
    ));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn common_name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

fn moment(seconds: u64) -> OffsetDateTime {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn parse_key(text: &[u8]) -> Option<KeyPair> {
    let key = PrivateKeyDer::from_pem_slice(text).ok()?;
    KeyPair::try_from(&key).ok()
}

fn io(path: &Path, fault: std::io::Error) -> AuthorityError {
    AuthorityError::Io {
        path: path.to_owned(),
        fault,
    }
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, AuthorityError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(io(path, fault)),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), AuthorityError> {
    crate::data::replace(path, bytes).map_err(|fault| io(path, fault))
}
