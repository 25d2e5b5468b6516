//! A passkey that opens the lock: WebAuthn's PRF extension turns a salt into an answer that only this passkey gives, after it
//! has made sure of the person.

use js_sys::{Array, ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use zeroize::Zeroizing;

use crate::platform::object::object;
use crate::port::{Passkey, Secret};
use crate::state::random;

/// COSE numbers of the signatures a passkey may make; none is ever asked for, but one must be named: Ed25519, P-256, RSA.
const ALGORITHMS: [i32; 3] = [-8, -7, -257];

/// It was not made, did not answer, or cannot do this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoPasskey;

impl From<JsValue> for NoPasskey {
    fn from(_: JsValue) -> Self {
        Self
    }
}

/// Whether this browser knows passkeys.
pub(crate) fn knows_passkeys() -> bool {
    Reflect::has(&window(), &"PublicKeyCredential".into()).unwrap_or(false)
}

/// Makes a passkey on a device of the person's choice, and has it answer.
pub(crate) async fn make_passkey(name: &str) -> Result<(Passkey, Secret), NoPasskey> {
    let salt = random();
    let algorithms: Array = ALGORITHMS
        .into_iter()
        .map(|number| object(&[("type", "public-key".into()), ("alg", number.into())]))
        .collect();
    let user = object(&[
        ("id", bytes(&random::<16>())),
        ("name", name.into()),
        ("displayName", name.into()),
    ]);
    let selection = object(&[
        ("residentKey", "discouraged".into()),
        ("userVerification", "required".into()),
    ]);
    let options = object(&[
        ("challenge", bytes(&random::<32>())),
        ("rp", object(&[("name", "Chopar".into())]).into()),
        ("user", user.into()),
        ("pubKeyCredParams", algorithms.into()),
        ("authenticatorSelection", selection.into()),
        ("attestation", "none".into()),
        ("extensions", prf(&salt, None)),
    ]);
    let made = ask("create", options.into()).await?;
    let credential = buffer(&Reflect::get(&made, &"rawId".into())?)?;
    let passkey = Passkey { credential, salt };
    // Some answer at once, others when they are asked.
    let secret = match answer_in(&made, "first") {
        Ok(secret) => secret,
        Err(NoPasskey) => ask_passkey(&passkey).await?,
    };
    Ok((passkey, secret))
}

/// Has a passkey answer.
pub(crate) async fn ask_passkey(passkey: &Passkey) -> Result<Secret, NoPasskey> {
    answer_in(&asked(passkey, None).await?, "first")
}

/// Has a passkey answer to its salt and to a new one, so that another slot gets another key. Where it answers to one only, it keeps
/// its salt, and with it the key.
pub(crate) async fn renew_passkey(passkey: &Passkey) -> Result<(Secret, (Passkey, Secret)), NoPasskey> {
    let salt = random();
    let answered = asked(passkey, Some(&salt)).await?;
    let old = answer_in(&answered, "first")?;
    let new = match answer_in(&answered, "second") {
        Ok(secret) => {
            let credential = passkey.credential.clone();
            (Passkey { credential, salt }, secret)
        }
        Err(NoPasskey) => (passkey.clone(), old.clone()),
    };
    Ok((old, new))
}

async fn asked(passkey: &Passkey, second: Option<&[u8; 32]>) -> Result<JsValue, NoPasskey> {
    let credential = object(&[("type", "public-key".into()), ("id", bytes(&passkey.credential))]);
    let options = object(&[
        ("challenge", bytes(&random::<32>())),
        ("allowCredentials", Array::of1(&credential).into()),
        ("userVerification", "required".into()),
        ("extensions", prf(&passkey.salt, second)),
    ]);
    ask("get", options.into()).await
}

/// Calls `navigator.credentials`, which `web-sys` has without this extension.
async fn ask(method: &str, options: JsValue) -> Result<JsValue, NoPasskey> {
    let credentials = Reflect::get(&window().navigator(), &"credentials".into())?;
    let call: Function = Reflect::get(&credentials, &method.into())?.dyn_into()?;
    let asked: Promise = call
        .call1(&credentials, &object(&[("publicKey", options)]))?
        .dyn_into()?;
    Ok(JsFuture::from(asked).await?)
}

fn prf(salt: &[u8; 32], second: Option<&[u8; 32]>) -> JsValue {
    let first = ("first", bytes(salt));
    let eval = match second {
        Some(second) => object(&[first, ("second", bytes(second))]),
        None => object(&[first]),
    };
    object(&[("prf", object(&[("eval", eval.into())]).into())]).into()
}

fn answer_in(credential: &JsValue, to: &str) -> Result<Secret, NoPasskey> {
    let results: Function = Reflect::get(credential, &"getClientExtensionResults".into())?.dyn_into()?;
    let mut found = results.call0(credential)?;
    for name in ["prf", "results", to] {
        found = Reflect::get(&found, &name.into())?;
    }
    let answer = Zeroizing::new(buffer(&found)?);
    let answer = answer.as_slice().try_into().map_err(|_| NoPasskey)?;
    Ok(Secret::Passkey(answer))
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

fn buffer(value: &JsValue) -> Result<Vec<u8>, NoPasskey> {
    match value.dyn_ref::<ArrayBuffer>() {
        Some(buffer) => Ok(Uint8Array::new(buffer).to_vec()),
        None => value
            .dyn_ref::<Uint8Array>()
            .map(Uint8Array::to_vec)
            .ok_or(NoPasskey),
    }
}
