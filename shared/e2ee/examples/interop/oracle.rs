//! The oracle profile: X3DH or PQXDH and the plain Double Ratchet, with keys as the caller gives them.

use std::collections::{HashMap, HashSet};

use chopar_e2ee::handshake::HandshakeSecrets;
use chopar_e2ee::handshake::oracle::{OracleBundle, OracleHandshake, OracleKem, OracleSecrets};
use chopar_e2ee::keys::{Secret32, X25519Secret};
use chopar_e2ee::ratchet::{Oracle as Labels, Session};
use chopar_identity::X25519Public;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::keys::GivenKeys;
use crate::now;
use crate::request::Request;

/// Ratchet key, length of the chain before, number: the header in clear.
const HEADER: usize = 40;

/// Everything of this profile.
pub(crate) struct Oracle {
    handshake: OracleHandshake,
    labels: Labels,
    sessions: HashMap<String, Conversation>,
}

/// A session with the private keys that wait for its turns.
struct Conversation {
    session: Session<Labels>,
    /// For coming turns. The library draws a turn's key with the first message it sends of it, the specification when the
    /// peer's turn arrives; in between nothing else can draw, so their order is the same.
    ratchets: GivenKeys,
    /// Ratchet keys of the peer that were seen: one that was not is a turn.
    turns: HashSet<[u8; 32]>,
}

impl Oracle {
    pub(crate) fn new(request: &Request) -> Result<Self, Fault> {
        let labels = request.object("labels")?;
        let label = |name| labels.text(name).map(|label| label.as_bytes().to_vec());
        let kem = match request.text("kem")? {
            "none" => OracleKem::None,
            "ml-kem-768" => OracleKem::MlKem768,
            "ml-kem-1024" => OracleKem::MlKem1024,
            other => return Err(Fault::malformed(format!("there is no KEM {other}"))),
        };
        Ok(Self {
            handshake: OracleHandshake {
                label: label("handshake")?,
                kem,
            },
            labels: Labels {
                root: label("root")?,
                message: label("message")?,
            },
            sessions: HashMap::new(),
        })
    }

    pub(crate) fn answer(&mut self, op: &str, request: &Request) -> Result<Value, Fault> {
        match op {
            "bundle" => self.bundle(request),
            "initiate" => self.initiate(request),
            "accept" => self.accept(request),
            "encrypt" => self.conversation(request)?.encrypt(request),
            "decrypt" => self.conversation(request)?.decrypt(request),
            "snapshot" => {
                let record = self.conversation(request)?.session.to_record();
                Ok(json!({"state": hex::encode(&*record)}))
            }
            "restore" => self.restore(request),
            other => Err(Fault::malformed(format!(
                "there is no operation {other} in this profile"
            ))),
        }
    }

    fn bundle(&self, request: &Request) -> Result<Value, Fault> {
        let bundle = self.handshake.bundle(&secrets(request)?)?;
        let public = |key: &X25519Public| hex::encode(key.as_bytes());
        Ok(json!({
            "identity_pub": public(&bundle.identity),
            "signed_prekey_pub": public(&bundle.signed_prekey),
            "one_time_pub": bundle.one_time.as_ref().map(public),
            "kem_pub": bundle.kem.as_ref().map(hex::encode),
        }))
    }

    fn initiate(&mut self, request: &Request) -> Result<Value, Fault> {
        let keys = request.object("bundle")?;
        let bundle = OracleBundle {
            identity: keys.public("identity_pub")?,
            signed_prekey: keys.public("signed_prekey_pub")?,
            one_time: keys.public_if_any("one_time_pub")?,
            kem: keys.bytes_if_any("kem_pub")?,
        };
        let mut random = GivenKeys::default();
        let ephemeral = request
            .secret_if_any("ephemeral")?
            .unwrap_or_else(|| X25519Secret::random(&mut random));
        let message = request
            .array("kem_m")?
            .unwrap_or_else(|| *Secret32::random(&mut random).as_bytes());
        let identity = request.secret("identity")?;
        let ratchets = request.array("ratchet")?.into_iter().collect();
        let made = self
            .handshake
            .initiate(&identity, &ephemeral, &message, &bundle)?;
        let told = told(&made.secrets);
        let session = Session::initiator_with(self.labels.clone(), made.secrets, now());
        self.begin(request, session, ratchets)?;
        Ok(json!({
            "sk": told.0,
            "ad": told.1,
            "ephemeral_pub": hex::encode(made.ephemeral.as_bytes()),
            "kem_ct": made.kem_ciphertext.map(hex::encode),
        }))
    }

    fn accept(&mut self, request: &Request) -> Result<Value, Fault> {
        let secrets = secrets(request)?;
        let initiator = request.public("initiator_identity_pub")?;
        let ephemeral = request.public("ephemeral_pub")?;
        let ciphertext = request.bytes_if_any("kem_ct")?;
        let ratchets = request.secrets("ratchets")?;
        let agreed = self
            .handshake
            .accept(&secrets, &initiator, &ephemeral, ciphertext.as_deref())?;
        let told = told(&agreed);
        let session = Session::responder_with(self.labels.clone(), agreed, secrets.signed_prekey, now());
        self.begin(request, session, ratchets)?;
        Ok(json!({"sk": told.0, "ad": told.1}))
    }

    fn restore(&mut self, request: &Request) -> Result<Value, Fault> {
        let name = request.text("session")?;
        let session = Session::from_record_with(self.labels.clone(), &request.bytes("state")?)?;
        match self.sessions.get_mut(name) {
            Some(conversation) => conversation.session = session,
            None => self.begin(request, session, Vec::new())?,
        }
        Ok(json!({"ok": true}))
    }

    fn begin(
        &mut self,
        request: &Request,
        session: Session<Labels>,
        ratchets: Vec<[u8; 32]>,
    ) -> Result<(), Fault> {
        let conversation = Conversation {
            session,
            ratchets: GivenKeys(ratchets.into()),
            turns: HashSet::new(),
        };
        self.sessions
            .insert(request.text("session")?.to_owned(), conversation);
        Ok(())
    }

    fn conversation(&mut self, request: &Request) -> Result<&mut Conversation, Fault> {
        let name = request.text("session")?;
        self.sessions
            .get_mut(name)
            .ok_or_else(|| Fault::unknown("session", name))
    }
}

impl Conversation {
    fn encrypt(&mut self, request: &Request) -> Result<Value, Fault> {
        let plaintext = request.bytes("plaintext")?;
        // On a copy: a failure must not use up a key.
        let mut keys = self.ratchets.clone();
        let given = request.array("ratchet")?;
        if let Some(key) = given {
            keys.0.push_front(key);
        }
        let queued = keys.0.len();
        let message = self.session.encrypt(&plaintext, now(), &mut keys)?;
        if given.is_some() && keys.0.len() == queued {
            // No turn was due; the key was for this message alone.
            keys.0.pop_front();
        }
        self.ratchets = keys;
        let (header, ciphertext) = message
            .split_at_checked(HEADER)
            .ok_or_else(|| Fault::malformed("a message without a header"))?;
        Ok(json!({"header": hex::encode(header), "ciphertext": hex::encode(ciphertext)}))
    }

    fn decrypt(&mut self, request: &Request) -> Result<Value, Fault> {
        let (header, ciphertext) = (request.bytes("header")?, request.bytes("ciphertext")?);
        let ratchets = request.secrets("ratchets")?;
        if header.len() != HEADER {
            return Err(Fault::malformed("a header has 40 bytes"));
        }
        let opened = self.session.open(&[&header[..], &ciphertext].concat(), now())?;
        self.session.commit(opened.draft).map_err(Fault::malformed)?;
        let mut turn = [0; 32];
        turn.copy_from_slice(&header[..32]);
        if self.turns.insert(turn) {
            self.ratchets.0.extend(ratchets);
        }
        Ok(json!({"plaintext": hex::encode(&*opened.plaintext)}))
    }
}

fn secrets(request: &Request) -> Result<OracleSecrets, Fault> {
    Ok(OracleSecrets {
        identity: request.secret("identity")?,
        signed_prekey: request.secret("signed_prekey")?,
        one_time: request.secret_if_any("one_time")?,
        kem_seed: request.array("kem_seed")?,
    })
}

fn told(secrets: &HandshakeSecrets) -> (String, String) {
    (
        hex::encode(secrets.root.as_bytes()),
        hex::encode(&secrets.associated_data),
    )
}
