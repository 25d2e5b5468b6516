//! A relay in this process, on a free port, with a data folder of its own.

use std::path::Path;

use chopar_relay::{Config, Relay, ServeError};
use chopar_wire::proto::relay::{CreateInvite, Role, client_frame as c, relay_frame::Body};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Client, Person};

pub struct TestRelay {
    pub port: u16,
    /// The token of the first owner's invite, while there is no owner.
    pub owner_token: Option<String>,
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

    pub async fn start_in(folder: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = Config::new(folder.path());
        change(&mut config);
        let relay = Relay::open(listener, config).await.unwrap();
        let port = relay.address().port();
        let owner_token = relay
            .owner_invite()
            .map(|link| link.rsplit('#').next().unwrap().to_owned());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(relay.run(async {
            stopped.await.ok();
        }));
        Self {
            port,
            owner_token,
            stop,
            running,
            folder,
        }
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
        let mut client = Client::connect(self.port).await;
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
        let mut client = Client::connect(self.port).await;
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
