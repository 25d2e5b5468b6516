//! Who runs the engine: whoever holds one Web Lock, for as long as its worker lives.

use wasm_bindgen_futures::spawn_local;

use super::inbox::{Happening, Inbox};
use crate::platform::Exception;
use crate::platform::locks::{self, Held};

/// The lock of the one owner per browser profile.
const OWNER: &str = "chopar-owner";

/// Takes the lock if it is free. If not, gets in line: the inbox hears of it when it is granted.
pub(super) async fn stand(inbox: &Inbox) -> Result<Option<Held>, Exception> {
    let held = locks::try_hold(OWNER).await?;
    if held.is_none() {
        let inbox = inbox.clone();
        spawn_local(async move { inbox.put(Happening::Lock(locks::hold(OWNER).await)) });
    }
    Ok(held)
}
