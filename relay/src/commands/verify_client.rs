//! `chopar-relay verify-client`: what a running relay serves, against the manifest of a release. Anybody can run it, from
//! anywhere; it is the one command that opens a connection.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io::Read};

use anyhow::{Context, Result, bail};
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HOST};
use axum::http::{Request, StatusCode};
use clap::Args;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::origin::{Host, Origin};

/// Largest file that is read, in bytes: ten times the client's largest.
const FILE_MAX: usize = 64 * 1024 * 1024;
/// For one file.
const PATIENCE: Duration = Duration::from_secs(60);
/// What of the manifest this program reads.
const MANIFEST_VERSION: u64 = 1;
/// Where systems keep the authorities they trust.
const SYSTEM_ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
/// The forms that browsers take, each compared: a relay could alter just one of them.
const ENCODINGS: [&str; 3] = ["identity", "br", "gzip"];

#[derive(Debug, Args)]
pub(super) struct VerifyClient {
    /// Where the relay is reached, for example https://chat.example.org.
    origin: String,
    /// The release's manifest.json.
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Certificate authority to trust instead of the system's, in PEM form.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A file that should be served.
struct Expected {
    path: String,
    sha256: String,
}

impl VerifyClient {
    /// `false` where something else is served.
    pub(super) async fn run(self) -> Result<bool> {
        let origin = Origin::parse(&self.origin)
            .with_context(|| format!("{:?} is not where a page can be: write https://name", self.origin))?;
        let text = fs::read_to_string(&self.manifest)
            .with_context(|| format!("{} cannot be read", self.manifest.display()))?;
        let expected =
            expected(&text).with_context(|| format!("{} is no manifest", self.manifest.display()))?;
        let tls = if origin.https {
            Some(Arc::new(trusting(self.ca.as_ref())?))
        } else {
            None
        };
        let mut wrong = 0;
        for file in &expected {
            for encoding in ENCODINGS {
                let fetched =
                    tokio::time::timeout(PATIENCE, fetch(&origin, tls.clone(), &file.path, encoding));
                let bytes = fetched.await.with_context(|| {
                    format!(
                        "/{} does not come within {} seconds",
                        file.path,
                        PATIENCE.as_secs()
                    )
                })??;
                let found = bytes.map(|bytes| hex::encode(Sha256::digest(bytes)));
                if found.as_deref() != Some(&*file.sha256) {
                    let what = if found.is_some() {
                        "is another one"
                    } else {
                        "is not served"
                    };
                    println!("WRONG  /{} {what} (asked for as {encoding})", file.path);
                    wrong += 1;
                }
            }
        }
        if wrong == 0 {
            println!(
                "ok     {} serves the {} files of the manifest to this machine, now. Whoever serves it can serve others \
                 something else",
                self.origin,
                expected.len()
            );
        }
        Ok(wrong == 0)
    }
}

/// The files of a manifest; the page at `/` too, which is `index.html`.
fn expected(text: &str) -> Result<Vec<Expected>> {
    let whole: Value = serde_json::from_str(text)?;
    if whole["version"] != MANIFEST_VERSION {
        bail!("its version is {}, not {MANIFEST_VERSION}", whole["version"]);
    }
    let files = whole["files"].as_object().context("there are no files in it")?;
    let mut expected = Vec::new();
    for (path, facts) in files {
        let sha256 = facts["sha256"]
            .as_str()
            .with_context(|| format!("{path} has no sha256"))?;
        let path = path.trim_start_matches('/').to_owned();
        if path == "index.html" {
            expected.push(Expected {
                path: String::new(),
                sha256: sha256.to_owned(),
            });
        }
        expected.push(Expected {
            path,
            sha256: sha256.to_owned(),
        });
    }
    if expected.is_empty() {
        bail!("it names no file");
    }
    Ok(expected)
}

fn trusting(ca: Option<&PathBuf>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let paths: Vec<PathBuf> = match ca {
        Some(path) => vec![path.clone()],
        None => SYSTEM_ROOTS
            .iter()
            .map(PathBuf::from)
            .filter(|path| path.exists())
            .take(1)
            .collect(),
    };
    for path in paths {
        let certificates = CertificateDer::pem_file_iter(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        for certificate in certificates {
            let certificate =
                certificate.with_context(|| format!("{} is not in PEM form", path.display()))?;
            // Systems hold some that are not certificates of authorities in every detail.
            if let Err(fault) = roots.add(certificate) {
                tracing::debug!(%fault, "a certificate authority is left out");
            }
        }
    }
    if roots.is_empty() {
        bail!("no certificate authority is known on this machine: name one with --ca");
    }
    Ok(crate::tls::client(roots)?)
}

/// One file's plain bytes; `None` where it is not served.
async fn fetch(
    origin: &Origin<'_>,
    tls: Option<Arc<ClientConfig>>,
    path: &str,
    encoding: &str,
) -> Result<Option<Vec<u8>>> {
    let (host, port) = (host_of(origin), origin.port());
    let stream = TcpStream::connect((host.as_str(), port))
        .await
        .with_context(|| format!("{host}:{port} cannot be reached"))?;
    let Some(tls) = tls else {
        return ask(stream, origin.authority, path, encoding).await;
    };
    let name =
        ServerName::try_from(host.clone()).with_context(|| format!("{host} is no name for a certificate"))?;
    let stream = TlsConnector::from(tls)
        .connect(name, stream)
        .await
        .context("TLS 1.3 with a certificate that this machine trusts could not be agreed on")?;
    ask(stream, origin.authority, path, encoding).await
}

fn host_of(origin: &Origin<'_>) -> String {
    match origin.host {
        Host::Name(name) => name.to_owned(),
        Host::Address(address) => address.to_string(),
    }
}

async fn ask<S>(stream: S, authority: &str, path: &str, encoding: &str) -> Result<Option<Vec<u8>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("/{path}"))
        .header(HOST, authority)
        .header(ACCEPT_ENCODING, encoding)
        .body(Body::empty())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let came_as = response.headers().get(CONTENT_ENCODING).cloned();
    let bytes = to_bytes(Body::new(response.into_body()), FILE_MAX).await?;
    connection.abort();
    if status != StatusCode::OK {
        return Ok(None);
    }
    let mut plain = Vec::new();
    match came_as.as_ref().map(|value| value.as_bytes()) {
        None | Some(b"identity") => plain.extend_from_slice(&bytes),
        Some(b"br") => {
            let reader = brotli_decompressor::Decompressor::new(&bytes[..], 16 * 1024);
            reader
                .take(FILE_MAX as u64)
                .read_to_end(&mut plain)
                .context("what came is not Brotli")?;
        }
        Some(b"gzip") => {
            let reader = flate2::read::GzDecoder::new(&bytes[..]);
            reader
                .take(FILE_MAX as u64)
                .read_to_end(&mut plain)
                .context("what came is not gzip")?;
        }
        Some(_) => bail!("/{path} came in a form that nobody asked for"),
    }
    Ok(Some(plain))
}
