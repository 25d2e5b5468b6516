//! A relay in this process, on a free port, with a data folder of its own.

use std::path::Path;

use chopar_relay::{Config, Relay, ServeError, Tls};
use chopar_wire::proto::relay::{CreateInvite, Role, client_frame as c, relay_frame::Body};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Client, Person, tls};

pub struct TestRelay {
    pub port: u16,
    /// Of its numbers.
    pub metrics: Option<u16>,
    /// The token of the first owner's invite, while there is no owner.
    pub owner_token: Option<String>,
    /// How clients trust it, where it speaks TLS.
    tls: Option<ClientConfig>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), ServeError>>,
    folder: TempDir,
}

impl TestRelay {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change).await
    }

    /// With TLS and an authority of its own, which its clients trust.
    pub async fn start_over_tls(change: impl FnOnce(&mut Config)) -> Self {
        let mut relay = Self::start_with(|config| {
            config.tls = Tls::Own;
            change(config);
        })
        .await;
        let root = CertificateDer::from_pem_file(relay.data().join("tls/authority.crt")).unwrap();
        relay.tls = Some(tls::client(&root));
        relay
    }

    pub async fn start_in(folder: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = Config::new(folder.path());
        change(&mut config);
        let relay = Relay::open(listener, config).await.unwrap();
        let port = relay.address().port();
        let metrics = relay.metrics_address().map(|address| address.port());
        let owner_token = relay
            .owner_invite()
            .map(|link| link.rsplit('#').next().unwrap().to_owned());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(relay.run(async {
            stopped.await.ok();
        }));
        Self {
            port,
            metrics,
            owner_token,
            tls: None,
            stop,
            running,
            folder,
        }
    }

    /// A connection, by TLS where the relay speaks it.
    pub async fn client(&self) -> Client {
        let Some(config) = &self.tls else {
            return Client::connect(self.port).await;
        };
        let line = tls::connect(self.port, "localhost", config.clone())
            .await
            .unwrap();
        let origin = format!("https://localhost:{}", self.port);
        Client::over(Box::new(line), &origin, &[]).await.unwrap()
    }

    pub async fn signed_in(&self, person: &Person, device: usize) -> Client {
        let mut client = self.client().await;
        client.sign_in(person, device).await.expect("signed in");
        client
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Stops it as a signal would and keeps its data.
    pub async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
        self.folder
    }

    /// The first owner, connected.
    pub async fn owner(&self) -> (Person, Client) {
        let person = Person::new();
        let mut client = self.client().await;
        let token = self.owner_token.as_deref().expect("no owner yet");
        client
            .register(&person, token, "owner", "The Owner")
            .await
            .expect("registered");
        (person, client)
    }

    /// A new member with an invite of the owner's, connected.
    pub async fn member(&self, owner: &mut Client, handle: &str) -> (Person, Client) {
        let token = invite(owner, 1, 3600).await;
        let person = Person::new();
        let mut client = self.client().await;
        client
            .register(&person, &token, handle, "Somebody")
            .await
            .expect("registered");
        (person, client)
    }
}

/// Has an owner make an invite and gives its token.
pub async fn invite(owner: &mut Client, uses: u32, lifetime_seconds: u64) -> String {
    let role = Role::Member.into();
    match owner
        .ask(c::Body::CreateInvite(CreateInvite {
            role,
            uses,
            lifetime_seconds,
        }))
        .await
    {
        Body::Invite(invite) => invite.token,
        other => panic!("{} instead of an invite", super::client::kind(&other)),
    }
}
