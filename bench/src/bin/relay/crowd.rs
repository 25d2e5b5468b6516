//! People with keys, registered once.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chopar_wire::proto::relay::{CreateInvite, Register, Role, client_frame as c, relay_frame::Body};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::link::{Link, said};
use crate::people::Person;
use crate::server::Server;

/// Uses of one invite: as many as an invite may have.
const USES: usize = 1000;
/// Connections that are opened at the same time.
pub(crate) const AT_ONCE: usize = 64;

pub(crate) struct Crowd {
    pub(crate) people: Vec<Arc<Person>>,
}

impl Crowd {
    /// Makes and registers people, the first of them the owner.
    pub(crate) async fn register(server: &Server, count: usize) -> Result<Self> {
        let owner = Person::new();
        let token = server
            .owner_token
            .as_deref()
            .context("there is an owner already")?;
        let mut o = register(server, &owner, token, 0).await?;
        let mut people = vec![Arc::new(owner)];
        while people.len() < count {
            let many = USES.min(count - people.len());
            let token = invite(&mut o, many).await?;
            let (first, token) = (people.len(), token.as_str());
            let registered: Vec<Arc<Person>> = stream::iter(first..first + many)
                .map(|number| async move {
                    let person = Person::new();
                    register(server, &person, token, number).await?;
                    anyhow::Ok(Arc::new(person))
                })
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            people.extend(registered);
        }
        Ok(Self { people })
    }

    /// Connections of some of them, signed in and at the end of their queues.
    pub(crate) async fn connect(&self, server: &Server, who: std::ops::Range<usize>) -> Result<Vec<Link>> {
        let people = self.people.get(who).context("too few people")?;
        stream::iter(people)
            .map(|person| async move {
                let mut link = Link::signed_in(server, person).await?;
                link.drain().await?;
                anyhow::Ok(link)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }
}

async fn register(server: &Server, person: &Person, token: &str, number: usize) -> Result<Link> {
    let (mut link, challenge) = Link::connect(server).await?;
    let register = Register {
        invite: token.to_owned(),
        handle: format!("person{number}"),
        display_name: format!("Person {number}"),
        log: person.log.entries(0).to_vec(),
        bundle: Some(person.bundle(0, 1)),
        proof: Some(person.proof(0, &challenge, &server.origin())),
    };
    match link.ask(c::Body::Register(register)).await? {
        Body::Registered(_) => Ok(link),
        other => bail!("person {number} is not registered: {}", said(&other)),
    }
}

async fn invite(owner: &mut Link, uses: usize) -> Result<String> {
    let create = CreateInvite {
        role: Role::Member.into(),
        uses: u32::try_from(uses)?,
        lifetime_seconds: 3600,
    };
    match owner.ask(c::Body::CreateInvite(create)).await? {
        Body::Invite(invite) => Ok(invite.token),
        other => bail!("no invite: {}", said(&other)),
    }
}
