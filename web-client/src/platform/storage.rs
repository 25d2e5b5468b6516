//! Whether the browser promised to keep the storage. Only a tab may ask it to (`navigator.storage.persist()`).

use super::scope;

/// The browser's answer; `false` too where it does not know the question.
pub async fn persisted() -> bool {
    let Ok(answer) = scope().navigator().storage().persisted() else {
        return false;
    };
    answer.await.is_ok_and(|kept| kept.is_truthy())
}
