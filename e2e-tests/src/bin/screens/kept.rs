//! What a browser keeps: thrown away by itself, or locked by its person.

use anyhow::Result;
use chopar_e2e::harness::{Key, Look, Organisation, Page, Patience, Person, button, heading, textbox};

use crate::album::Album;
use crate::story::{speak, widest};
use crate::words::Words;

const PASSPHRASE: &str = "quyosh daraxt kitob deraza";

/// What is shown where the browser threw away half of what it kept.
pub(crate) async fn thrown_away(
    organisation: &Organisation,
    languages: [&Words; 2],
    album: &Album,
) -> Result<()> {
    for words in languages {
        let visitor = newcomer(organisation, words, "evicted").await?;
        let page = visitor.page();
        page.evict(&organisation.origin, "indexeddb").await?;
        visitor.open("/").await?;
        page.find_within(&heading(words.say("lost.title")?), Patience::LONG)
            .await?;
        album.take(page, "recovery-needed", words.language).await?;
        visitor.leave().await?;
    }
    Ok(())
}

/// Somebody whose browser was never here, at the first page; one for each language.
pub(crate) async fn newcomer(organisation: &Organisation, words: &Words, profile: &str) -> Result<Person> {
    let look = Look {
        language: words.language.to_owned(),
        ..Look::default()
    };
    let visitor = organisation
        .person_with("Visitor", &format!("{profile}-{}", words.language), look)
        .await?;
    visitor.open("/").await?;
    visitor
        .page()
        .find_within(&heading(words.say("welcome.title")?), Patience::LONG)
        .await?;
    Ok(visitor)
}

/// The lock in Settings, and the page of a locked browser.
pub(crate) async fn locked(owner: &Person, languages: [&Words; 2], album: &Album) -> Result<()> {
    let page = owner.page();
    let [first, second] = languages;
    widest(page).await?;
    speak(owner, first).await?;
    owner.open("/settings").await?;
    page.find_within(&textbox(first.say("unlock.passphrase")?), Patience::LONG)
        .await?;
    for label in ["unlock.passphrase", "lock.again"] {
        page.fill(&textbox(first.say(label)?), PASSPHRASE).await?;
    }
    page.click(&button(first.say("lock.set")?)).await?;
    in_settings(page, first, album).await?;
    page.click(&button(first.say("lock.now")?)).await?;
    // It is loaded anew by itself: not to be disturbed.
    page.find_within(&heading(first.say("unlock.title")?), Patience::LONG)
        .await?;
    for words in languages {
        // A locked page has nothing to lose by being loaded anew.
        speak(owner, words).await?;
        owner.open("/settings").await?;
        page.find_within(&heading(words.say("unlock.title")?), Patience::LONG)
            .await?;
        album.take(page, "locked", words.language).await?;
        page.click(&button(words.say("unlock.with_recovery")?)).await?;
        album.take(page, "locked-recovery", words.language).await?;
    }
    page.click(&button(second.say("unlock.with_passphrase")?)).await?;
    page.fill(&textbox(second.say("unlock.passphrase")?), PASSPHRASE)
        .await?;
    page.press(Key::Enter).await?;
    in_settings(page, second, album).await
}

async fn in_settings(page: &Page, words: &Words, album: &Album) -> Result<()> {
    page.find_within(&button(words.say("lock.now")?), Patience::LONG)
        .await?;
    page.click(&textbox(words.say("lock.current")?)).await?;
    album.take(page, "settings-lock", words.language).await
}
