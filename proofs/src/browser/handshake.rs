//! A device whose identity keys are WebCrypto's cannot be told from one whose keys are wasm's: the same keys and the same draws make
//! the same bytes, on both sides of a handshake.

use anyhow::{Context, Result, bail, ensure};
use chopar_e2ee::fixture::Person;
use chopar_e2ee::handshake::{Acceptance, Initiation};
use chopar_e2ee::keys::Agreed;
use chopar_e2ee::padding::pad;
use chopar_e2ee::ratchet::Session;
use chopar_e2ee::seal::{EnvelopeBody, FirstContact, seal_handshake, session_body};
use chopar_identity::{BundleBase, OneTimePair, VerifiedBundle, X25519Public};
use chopar_wire::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use web_sys::CryptoKey;

use super::keys::{Crossing, thrown};
use super::webcrypto::Curve;
use crate::{Counts, Size};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
/// Pairs of people.
const HANDSHAKES: u8 = 10;
const HANDSHAKES_FULL: u8 = 100;
/// Messages after each handshake, alternately.
const MESSAGES: usize = 4;

/// A person whose identity keys lie in WebCrypto as well.
struct Twin {
    person: Person,
    signing: CryptoKey,
    agreement: CryptoKey,
}

pub(super) async fn bit_for_bit(size: Size) -> Result<Counts> {
    let mut crossing = Crossing::open().await?;
    let mut counts = Counts::default();
    let handshakes = if size == Size::Full {
        HANDSHAKES_FULL
    } else {
        HANDSHAKES
    };
    for round in 0..handshakes {
        let alice = Twin::new(2 * round + 1, &mut crossing).await?;
        let bob = Twin::new(2 * round + 2, &mut crossing).await?;
        bob.signs_its_bundle_alike(&crossing).await?;

        let (_, by_wasm) = begin(&alice, &bob, None).await?;
        let (session, body) = begin(&alice, &bob, Some(&crossing)).await?;
        ensure!(body == by_wasm, "the first envelope of handshake {round}");
        let by_wasm = accept(&bob, &alice, &body, None).await?;
        let accepted = accept(&bob, &alice, &body, Some(&crossing)).await?;
        ensure!(
            accepted.to_record() == by_wasm.to_record(),
            "the session of handshake {round}"
        );
        counts.add("handshakes");

        // The side with WebCrypto's keys and the side with wasm's go on talking.
        let mut rng = ChaCha20Rng::from_seed([round; 32]);
        let mut turns = (by_wasm, session);
        for message in 0..MESSAGES {
            let text = [message as u8; 100];
            let body = session_body(&turns.0.encrypt(&text, NOW, &mut rng)?);
            let EnvelopeBody::Session(message) = EnvelopeBody::parse(&body)? else {
                bail!("not in session form");
            };
            let opened = turns.1.open(message, NOW)?;
            ensure!(opened.plaintext[..] == text, "a message of handshake {round}");
            turns.1.commit(opened.draft)?;
            turns = (turns.1, turns.0);
            counts.add("messages");
        }
    }
    Ok(counts)
}

impl Twin {
    async fn new(seed: u8, crossing: &mut Crossing) -> Result<Self> {
        let person = Person::new(seed);
        Ok(Self {
            signing: crossing
                .into_webcrypto(Curve::Ed25519, person.signing.as_bytes())
                .await?,
            agreement: crossing
                .into_webcrypto(Curve::X25519, person.agreement.as_bytes())
                .await?,
            person,
        })
    }

    /// Both signatures of a bundle, and that it verifies.
    async fn signs_its_bundle_alike(&self, crossing: &Crossing) -> Result<()> {
        let bundle = self.person.bundle(true);
        let (base, one_time) = (bundle.base.as_ref(), bundle.one_time.as_ref());
        let (base, one_time) = base.zip(one_time).context("half a bundle")?;
        for (input, signature) in [
            (BundleBase::signing_input(&base.body), &base.signature),
            (OneTimePair::signing_input(&one_time.body), &one_time.signature),
        ] {
            let made = crossing
                .crypto
                .sign(&self.signing, &input)
                .await
                .map_err(thrown)?;
            ensure!(made[..] == signature[..], "a signature of the bundle");
        }
        VerifiedBundle::verify(self.person.local.account(), self.person.local.keys(), &bundle)?;
        Ok(())
    }

    /// With WebCrypto's key where it is given, else with wasm's.
    async fn agree(&self, with: &X25519Public, crossing: Option<&Crossing>) -> Result<Agreed> {
        match crossing {
            None => Ok(self.person.agreement.agree(with)?),
            Some(crossing) => {
                let shared = crossing.crypto.agree(&self.agreement, with.as_bytes()).await;
                let shared = shared.map_err(thrown)?;
                Ok(Agreed::new(&shared)?)
            }
        }
    }
}

async fn begin(alice: &Twin, bob: &Twin, crossing: Option<&Crossing>) -> Result<(Session, Vec<u8>)> {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let (peer, bundle) = (bob.person.peer(), bob.person.verified_bundle(true));
    let initiation = Initiation::begin(&alice.person.local, &peer, &bundle, &mut rng)?;
    let agreed = alice.agree(initiation.wanted(), crossing).await?;
    let (secrets, header) = initiation.finish(agreed);
    let mut session = Session::initiator(secrets, NOW);
    let message = session.encrypt(&pad(b"salom")?, NOW, &mut rng)?;
    let content = FirstContact {
        log: &alice.person.log,
        device: alice.person.local.device(),
        header: &header,
        message: &message,
    };
    let body = seal_handshake(&peer, &bundle.base().sealing_key, &content, &mut rng)?;
    Ok((session, body))
}

async fn accept(bob: &Twin, alice: &Twin, body: &[u8], crossing: Option<&Crossing>) -> Result<Session> {
    let EnvelopeBody::Handshake(sealed) = EnvelopeBody::parse(body)? else {
        bail!("not in handshake form");
    };
    let unsealed = sealed.open(&bob.person.local, &bob.person.sealing_key)?;
    let peer = alice.person.peer();
    let prekeys = bob.person.prekeys(true);
    let acceptance = Acceptance::begin(&bob.person.local, &peer, &unsealed.header, &prekeys)?;
    let agreed = bob.agree(acceptance.wanted(), crossing).await?;
    let secret = bob.person.signed_prekey.secret.duplicate();
    let mut session = Session::responder(acceptance.finish(agreed), secret, NOW);
    let opened = session.open(&unsealed.message, NOW)?;
    session.commit(opened.draft)?;
    Ok(session)
}
