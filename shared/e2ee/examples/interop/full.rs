//! The product's own suite, end to end: device logs, signed bundles, PQXDH, envelopes, the whole ratchet.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use chopar_e2ee::device::PeerDevice;
use chopar_e2ee::fixture::Person;
use chopar_e2ee::handshake::{Acceptance, HandshakeHeader, Initiation, KemPrekeyId};
use chopar_e2ee::padding::{pad, unpad};
use chopar_e2ee::ratchet::Session;
use chopar_e2ee::seal::{EnvelopeBody, FirstContact, SenderLog, Unsealed, seal_handshake, session_body};
use chopar_identity::{AccountLog, EcPrekey, VerifiedBundle};
use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::prost::Message;
use chopar_wire::proto::identity::Bundle;
use chopar_wire::proto::relay::{ClaimedBundle, Log};
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::keys::GivenKeys;
use crate::now;
use crate::request::Request;

/// Everything of this profile.
#[derive(Default)]
pub(crate) struct Full {
    devices: HashMap<String, Rc<Device>>,
    sessions: HashMap<String, Conversation>,
    /// Handshakes that were accepted: the one-time pair of each is used up.
    accepted: HashSet<[u8; 32]>,
    random: GivenKeys,
}

struct Device(Person);

struct Conversation {
    session: Session,
    device: Rc<Device>,
    /// What an initiator repeats until it is answered; a responder has none.
    first: Option<First>,
}

struct First {
    peer: PeerDevice,
    sealing_key: EcPrekey,
    header: HandshakeHeader,
}

impl Full {
    pub(crate) fn answer(&mut self, op: &str, request: &Request) -> Result<Value, Fault> {
        match op {
            "device" => self.device(request),
            "initiate" => self.initiate(request),
            "accept" => self.accept(request),
            "encrypt" => self.encrypt(request),
            "decrypt" => {
                let message = request.bytes("message")?;
                let plaintext = self.conversation(request)?.decrypt(&message)?;
                Ok(json!({"plaintext": hex::encode(plaintext)}))
            }
            "snapshot" => {
                let record = self.conversation(request)?.session.to_record();
                Ok(json!({"state": hex::encode(&*record)}))
            }
            "restore" => {
                let session = Session::from_record(&request.bytes("state")?)?;
                self.conversation(request)?.session = session;
                Ok(json!({"ok": true}))
            }
            other => Err(Fault::malformed(format!(
                "there is no operation {other} in this profile"
            ))),
        }
    }

    fn device(&mut self, request: &Request) -> Result<Value, Fault> {
        let name = request.text("name")?;
        let device = self
            .devices
            .entry(name.to_owned())
            .or_insert_with(|| Rc::new(Device(Person::random(&mut self.random))));
        Ok(json!({"bundle": hex::encode(device.bundle())}))
    }

    fn initiate(&mut self, request: &Request) -> Result<Value, Fault> {
        let device = self.own(request)?;
        let (peer, bundle) = published(&request.bytes("bundle")?)?;
        let person = &device.0;
        let initiation = Initiation::begin(&person.local, &peer, &bundle, &mut self.random)
            .map_err(|error| Fault::new("non-contributory", error))?;
        let agreed = person
            .agreement
            .agree(initiation.wanted())
            .map_err(|error| Fault::new("non-contributory", error))?;
        let (secrets, header) = initiation.finish(agreed);
        let conversation = Conversation {
            session: Session::initiator(secrets, now()),
            device,
            first: Some(First {
                peer,
                sealing_key: bundle.base().sealing_key,
                header,
            }),
        };
        self.sessions
            .insert(request.text("session")?.to_owned(), conversation);
        Ok(json!({"ok": true}))
    }

    fn accept(&mut self, request: &Request) -> Result<Value, Fault> {
        let device = self.own(request)?;
        let unsealed = device.unseal(&request.bytes("message")?)?;
        let digest = unsealed.header.digest();
        if self.accepted.contains(&digest) {
            return Err(Fault::new("duplicate", "the handshake was accepted before"));
        }
        let mut conversation = Conversation {
            session: device.respond(&unsealed)?,
            device,
            first: None,
        };
        let plaintext = conversation.open(&unsealed.message)?;
        self.accepted.insert(digest);
        self.sessions
            .insert(request.text("session")?.to_owned(), conversation);
        Ok(json!({"plaintext": hex::encode(plaintext)}))
    }

    fn encrypt(&mut self, request: &Request) -> Result<Value, Fault> {
        let padded = pad(&request.bytes("plaintext")?).map_err(Fault::malformed)?;
        let name = request.text("session")?;
        let conversation = self
            .sessions
            .get_mut(name)
            .ok_or_else(|| Fault::unknown("session", name))?;
        let message = conversation.encrypt(&padded, &mut self.random)?;
        Ok(json!({"message": hex::encode(message)}))
    }

    fn own(&self, request: &Request) -> Result<Rc<Device>, Fault> {
        let name = request.text("device")?;
        let device = self
            .devices
            .get(name)
            .ok_or_else(|| Fault::unknown("device", name))?;
        Ok(Rc::clone(device))
    }

    fn conversation(&mut self, request: &Request) -> Result<&mut Conversation, Fault> {
        let name = request.text("session")?;
        self.sessions
            .get_mut(name)
            .ok_or_else(|| Fault::unknown("session", name))
    }
}

impl Conversation {
    fn encrypt(&mut self, padded: &[u8], random: &mut GivenKeys) -> Result<Vec<u8>, Fault> {
        let message = self.session.encrypt(padded, now(), random)?;
        let Some(first) = self.first.as_ref().filter(|_| !self.session.is_confirmed()) else {
            return Ok(session_body(&message));
        };
        let person = &self.device.0;
        let content = FirstContact {
            log: &person.log,
            device: person.local.device(),
            header: &first.header,
            message: &message,
        };
        seal_handshake(&first.peer, &first.sealing_key, &content, random).map_err(Fault::malformed)
    }

    /// A message in either form.
    fn decrypt(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        match EnvelopeBody::parse(body).map_err(Fault::malformed)? {
            EnvelopeBody::Session(message) => self.open(message),
            EnvelopeBody::Handshake(_) => {
                let unsealed = self.device.unseal(body)?;
                self.open(&unsealed.message)
            }
        }
    }

    fn open(&mut self, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let opened = self.session.open(message, now())?;
        let plaintext = unpad(&opened.plaintext).map_err(Fault::malformed)?.to_vec();
        self.session.commit(opened.draft).map_err(Fault::malformed)?;
        Ok(plaintext)
    }
}

impl Device {
    /// The relay's two answers about the device, one after the other, each after its length (u32 BE): the account log and
    /// the claimed bundle.
    fn bundle(&self) -> Vec<u8> {
        let person = &self.0;
        let log = Log {
            account: (*person.log.account()).into(),
            from: 0,
            entries: person.log.entries(0).to_vec(),
            head: Some((&person.log.head()).into()),
        };
        let claimed = ClaimedBundle {
            device: (*person.local.device()).into(),
            bundle: Some(person.bundle(true)),
        };
        let mut out = Vec::new();
        for part in [log.encode_to_vec(), claimed.encode_to_vec()] {
            // Both are bounded by the frame size.
            out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(&part);
        }
        out
    }

    fn unseal(&self, body: &[u8]) -> Result<Unsealed, Fault> {
        match EnvelopeBody::parse(body).map_err(Fault::malformed)? {
            EnvelopeBody::Handshake(sealed) => Ok(sealed.open(&self.0.local, &self.0.sealing_key)?),
            EnvelopeBody::Session(_) => Err(Fault::malformed("not in handshake form")),
        }
    }

    /// The session that an unsealed envelope begins; nothing has authenticated in it yet.
    fn respond(&self, unsealed: &Unsealed) -> Result<Session, Fault> {
        let SenderLog::Whole(entries) = &unsealed.log else {
            return Err(Fault::malformed("the sender's log is not in the envelope"));
        };
        let log = AccountLog::verify(&unsealed.account, entries).map_err(Fault::malformed)?;
        let peer = PeerDevice::from_log(&log, &unsealed.device).map_err(Fault::malformed)?;
        let one_time = matches!(unsealed.header.kem_prekey(), KemPrekeyId::OneTime(_));
        let acceptance = Acceptance::begin(&self.0.local, &peer, &unsealed.header, &self.0.prekeys(one_time))
            .map_err(|error| Fault::new("authentication", error))?;
        let agreed = self
            .0
            .agreement
            .agree(acceptance.wanted())
            .map_err(|error| Fault::new("non-contributory", error))?;
        Ok(Session::responder(
            acceptance.finish(agreed),
            self.0.signed_prekey.secret.duplicate(),
            now(),
        ))
    }
}

/// Takes a [`Device::bundle`] apart and verifies it.
fn published(bytes: &[u8]) -> Result<(PeerDevice, VerifiedBundle), Fault> {
    let (log, rest) = part(bytes)?;
    let (claimed, rest) = part(rest)?;
    if !rest.is_empty() {
        return Err(Fault::malformed("bytes after the bundle"));
    }
    let log = Log::decode(log).map_err(Fault::malformed)?;
    let claimed = ClaimedBundle::decode(claimed).map_err(Fault::malformed)?;
    let account = AccountId::try_from(log.account.as_ref()).map_err(Fault::malformed)?;
    let device = DeviceId::try_from(claimed.device.as_ref()).map_err(Fault::malformed)?;
    let bundle: Bundle = claimed
        .bundle
        .ok_or_else(|| Fault::malformed("there is no bundle"))?;
    let log = AccountLog::verify(&account, &log.entries).map_err(Fault::malformed)?;
    let peer = PeerDevice::from_log(&log, &device).map_err(Fault::malformed)?;
    let bundle = VerifiedBundle::verify(peer.account(), peer.keys(), &bundle).map_err(Fault::malformed)?;
    Ok((peer, bundle))
}

fn part(bytes: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let short = || Fault::malformed("the bundle is cut off");
    let (len, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(Fault::malformed)?;
    rest.split_at_checked(len).ok_or_else(short)
}
