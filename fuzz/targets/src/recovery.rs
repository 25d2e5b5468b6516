//! What people type of the recovery key, and what is sealed to it.

use std::sync::LazyLock;

use chopar_e2ee::fixture::rng;
use chopar_e2ee::recovery::{AccountSecrets, RecoveryEncapsulation, RecoveryKey, seal_to_recovery};

/// What the key of the scene is for.
const CONTEXT: &[u8] = b"fuzz";

/// Something that was sealed to somebody's recovery key.
pub struct RecoveryScene {
    account: AccountSecrets,
    key: [u8; 32],
    /// What lies beside it.
    pub encapsulation: Vec<u8>,
}

/// Always the same.
pub static RECOVERY: LazyLock<RecoveryScene> = LazyLock::new(RecoveryScene::new);

impl RecoveryScene {
    #[allow(
        clippy::unwrap_used,
        reason = "made of its own valid parts; a failure is a mistake in the target"
    )]
    fn new() -> Self {
        let mut rng = rng(12);
        let account = RecoveryKey::random(&mut rng).account();
        let (encapsulation, key) = seal_to_recovery(&account.recovery_keys(), CONTEXT, &mut rng).unwrap();
        Self {
            account,
            key: *key.as_bytes(),
            encapsulation: encapsulation.to_bytes(),
        }
    }
}

/// A recovery key as somebody types it: what is taken is shown again in a form that is taken.
pub fn recovery_key(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(key) = RecoveryKey::parse(&text) else {
        return false;
    };
    let groups = key.groups();
    let shown: Vec<&str> = groups.iter().map(|group| group.as_str()).collect();
    assert!(RecoveryKey::parse(&shown.join("-")).is_ok());
    true
}

/// What lies beside a key that was sealed to the recovery key: it has one spelling, and no other leads to the key.
pub fn recovery_encapsulation(bytes: &[u8]) -> bool {
    let Some(encapsulation) = RecoveryEncapsulation::parse(bytes) else {
        return false;
    };
    assert_eq!(encapsulation.to_bytes(), bytes);
    let Ok(key) = RECOVERY.account.seal_secret().unseal(&encapsulation, CONTEXT) else {
        return false;
    };
    let found = *key.as_bytes() == RECOVERY.key;
    assert!(
        !found || bytes == RECOVERY.encapsulation,
        "a second way to the key"
    );
    found
}
