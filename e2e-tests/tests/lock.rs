//! A lock: what it opens for whom, what a locked browser shows, and what a copy of the profile folder is good for.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{
    Key, Organisation, Patience, Person, Stage, button, eventually, heading, link, textbox,
};

const PASSPHRASE: &str = "quyosh daraxt kitob deraza";
const OTHER: &str = "lampa verblyud tetrad okno";

/// Everything that the vault's database holds about keys: names of the records, and every key object with what may be done with it.
const KEYS: &str = "Promise.all([done(keys.getAllKeys()), done(keys.getAll())]).then(([names, values]) => {
  const handles = [];
  const walk = (value) => {
    if (value instanceof CryptoKey) handles.push(value.algorithm.name);
    else if (value && typeof value === 'object' && !ArrayBuffer.isView(value)) Object.values(value).forEach(walk);
  };
  values.forEach(walk);
  return { names, handles };
})";

// T-070, T-071, P-260, P-263, P-267
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_opens_for_its_secrets_and_a_copied_profile_for_nobody() -> Result<()> {
    Stage::play("lock", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let mut owner = organisation.person("Dilnoza Karimova", "dilnoza").await?;
    let recovery_key = owner.join(&organisation.owner_link().await?).await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("qulfdan oldin").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("qulfdan oldin").await?;

    set_passphrase(&owner).await?;
    every_tab_locks(&owner, &member).await?;
    a_copy_is_worth_nothing(&mut owner).await?;
    hand_over_unlocked(&owner).await?;
    a_follower_locks(&owner).await?;
    wrong_ones_wait_and_the_recovery_key_opens(&owner, &recovery_key).await?;
    // What came while it was locked is there, and everything from before.
    owner.open_chat("Bek Tursunov").await?;
    for text in [
        "qulfdan oldin",
        "ikki oyna",
        "qulflangan paytda",
        "birinchisi yopildi",
    ] {
        owner.until_sees(text).await?;
        ensure!(owner.count(text).await? == 1, "{text:?} is there once");
    }
    owner.say("ochildi").await?;
    member.until_sees("ochildi").await?;
    nobody_there_locks(&owner, &member).await?;
    change_and_remove(&owner, &recovery_key).await?;
    a_passkey_alone(&member).await
}

async fn set_passphrase(owner: &Person) -> Result<()> {
    let page = owner.page();
    let keys = page.from_vault(KEYS).await?;
    ensure!(
        keys["handles"]
            .as_array()
            .is_some_and(|handles| !handles.is_empty()),
        "without a lock there is a key to find: {keys}"
    );
    owner.open("/settings").await?;
    page.find_within(&textbox("Passphrase"), Patience::LONG).await?;
    for weak in ["1234", "dilnoza dilnoza", "password2026"] {
        page.fill(&textbox("Passphrase"), weak).await?;
        page.fill(&textbox("Passphrase again"), weak).await?;
        page.click(&button("Set passphrase")).await?;
        page.until_alert("Too easy to guess").await?;
    }
    page.fill(&textbox("Passphrase"), PASSPHRASE).await?;
    page.fill(&textbox("Passphrase again"), OTHER).await?;
    page.click(&button("Set passphrase")).await?;
    page.until_alert("The two are not the same").await?;
    page.fill(&textbox("Passphrase again"), PASSPHRASE).await?;
    page.click(&button("Set passphrase")).await?;
    page.find_within(&button("Lock now"), Patience::LONG)
        .await
        .map(drop)
}

/// A second tab opens without asking, because the first is open; locked in one, both are.
async fn every_tab_locks(owner: &Person, member: &Person) -> Result<()> {
    let second = owner.another_tab().await?;
    second.open("/").await?;
    second.open_chat("Bek Tursunov").await?;
    second.until_sees("qulfdan oldin").await?;
    second.say("ikki oyna").await?;
    member.until_sees("ikki oyna").await?;
    owner.page().click(&button("Lock now")).await?;
    for tab in [owner, &second] {
        is_locked(tab).await?;
    }
    member.say("qulflangan paytda").await?;
    second.close_tab().await
}

/// The tab that does the work is closed while the lock is open: the other goes on without asking.
async fn hand_over_unlocked(owner: &Person) -> Result<()> {
    let first = owner.another_tab().await?;
    owner.page().leave().await?;
    first.open("/").await?;
    unlock(&first, PASSPHRASE).await?;
    let second = owner.another_tab().await?;
    second.open("/").await?;
    second.open_chat("Bek Tursunov").await?;
    second.until_sees("qulfdan oldin").await?;
    first.close_tab().await?;
    second.say("birinchisi yopildi").await?;
    second.until_state("birinchisi yopildi", "Delivered").await?;
    ensure!(
        !second.page().has(&heading("Chopar is locked")).await?,
        "a tab that was open asks for the secret again"
    );
    owner.open("/").await?;
    owner.open_chat("Bek Tursunov").await?;
    second.close_tab().await
}

/// "Lock now" in a tab that does not do the work locks the one that does.
async fn a_follower_locks(owner: &Person) -> Result<()> {
    owner.until_sees("birinchisi yopildi").await?;
    let follower = owner.another_tab().await?;
    follower.open("/settings").await?;
    follower
        .page()
        .find_within(&button("Lock now"), Patience::LONG)
        .await?;
    follower.page().click(&button("Lock now")).await?;
    for tab in [owner, &follower] {
        is_locked(tab).await?;
    }
    follower.close_tab().await
}

/// A quarter of an hour in which nobody used any tab, of a device that slept meanwhile: its timers did not run, and what wakes it is a
/// message. It locks before anything of that message is shown.
async fn nobody_there_locks(owner: &Person, member: &Person) -> Result<()> {
    const CLOCK: &str = "{ const now = Date.now; self.slept = 0; Date.now = () => now() + self.slept; }";
    owner.chrome().before_workers(CLOCK);
    // Only the worker's clock: the page's is another.
    owner.open("/").await?;
    unlock(owner, PASSPHRASE).await?;
    owner.until_connection("Online").await?;
    member.say("hali ochiq").await?;
    owner.open_chat("Bek Tursunov").await?;
    owner.until_sees("hali ochiq").await?;
    owner.page().in_worker("self.slept = 16 * 60_000").await?;
    member.say("hech kim yo‘q paytda").await?;
    is_locked(owner).await?;
    owner.chrome().before_workers("");
    unlock(owner, PASSPHRASE).await?;
    owner.open_chat("Bek Tursunov").await?;
    owner.until_sees("hech kim yo‘q paytda").await.map(drop)
}

async fn unlock(tab: &Person, passphrase: &str) -> Result<()> {
    let page = tab.page();
    page.find_within(&textbox("Passphrase"), Patience::LONG).await?;
    page.fill(&textbox("Passphrase"), passphrase).await?;
    page.press(Key::Enter).await?;
    page.find_within(&button("New chat"), Patience::LONG)
        .await
        .map(drop)
}

/// Whether the page says that the next attempt is possible later only.
async fn waits(tab: &Person) -> Result<bool> {
    let shown = tab.page().everything().await?;
    Ok(shown.contains("The next attempt is possible in"))
}

/// Argon2id has an answer.
async fn attempt_over(tab: &Person) -> Result<()> {
    eventually("the attempt to be over", Patience::LONG, || async {
        Ok((!tab.page().everything().await?.contains("Opening…")).then_some(()))
    })
    .await
}

/// The page of a locked browser has nothing of anybody on it, and neither has its title.
async fn is_locked(tab: &Person) -> Result<()> {
    tab.page()
        .find_within(&heading("Chopar is locked"), Patience::LONG)
        .await?;
    let shown = tab
        .page()
        .evaluate("document.title + ' ' + document.documentElement.innerText")
        .await?;
    let shown = shown.as_str().context("nothing is shown")?;
    for content in [
        "Bek",
        "Tursunov",
        "Dilnoza",
        "dilnoza",
        "qulfdan",
        "oyna",
        "birinchisi",
    ] {
        ensure!(
            !shown.contains(content),
            "a locked page shows {content:?}: {shown}"
        );
    }
    Ok(())
}

/// Somebody copies the profile folder, and tries to read, to sign in and to sign with it.
async fn a_copy_is_worth_nothing(owner: &mut Person) -> Result<()> {
    owner.leave().await?;
    let thief = owner.copied("thief").await?;
    thief.open("/").await?;
    is_locked(&thief).await?;
    let keys = thief.page().from_vault(KEYS).await?;
    ensure!(
        keys["handles"].as_array().is_some_and(Vec::is_empty),
        "there is no key that could unwrap, sign or agree: {keys}"
    );
    let names = keys["names"].to_string();
    ensure!(
        !names.contains("slot/device")
            && names.contains("slot/passphrase")
            && names.contains("slot/recovery"),
        "only slots that ask for a secret: {names}"
    );
    thief.page().fill(&textbox("Passphrase"), OTHER).await?;
    thief.page().press(Key::Enter).await?;
    thief.page().until_alert("This does not open it").await?;
    is_locked(&thief).await?;
    // Whoever does not get in does not even connect: nothing is signed and nothing is appended.
    ensure!(
        thief.watch().frames().is_empty(),
        "the copy talks to the relay without having been opened"
    );
    thief.leave().await?;
    owner.come_back("/").await?;
    is_locked(owner).await
}

async fn wrong_ones_wait_and_the_recovery_key_opens(owner: &Person, recovery_key: &[String]) -> Result<()> {
    let page = owner.page();
    // The third makes the fourth wait 5 s, and the fourth the fifth 10 s: long enough for a page to be loaded anew meanwhile.
    for number in 1..=4 {
        eventually("the next attempt to be possible", Patience::LONG, || async {
            Ok((!waits(owner).await?).then_some(()))
        })
        .await?;
        page.fill(&textbox("Passphrase"), OTHER).await?;
        page.press(Key::Enter).await?;
        page.until_alert("This does not open it").await?;
        attempt_over(owner).await?;
        ensure!(
            waits(owner).await? == (number >= 3),
            "after {number} wrong ones it should {}wait",
            if number < 3 { "not " } else { "" }
        );
    }
    // The page would not even ask; loaded anew it does, and the right secret is refused like any other.
    page.reload().await?;
    page.find_within(&textbox("Passphrase"), Patience::LONG).await?;
    page.fill(&textbox("Passphrase"), PASSPHRASE).await?;
    page.press(Key::Enter).await?;
    page.until_alert("This one was not tried").await?;
    is_locked(owner).await?;
    // The count lies in the vault: a reload takes nothing back.
    page.reload().await?;
    page.find_within(&textbox("Passphrase"), Patience::LONG).await?;
    let counted = page
        .from_vault("done(keys.get('attempts')).then((bytes) => bytes[3])")
        .await?;
    ensure!(counted == 4, "four were wrong, {counted} are counted");
    page.click(&button("Use the recovery key")).await?;
    eventually("the recovery key to open it", Patience::LONG, || async {
        if page.has(&button("New chat")).await? {
            return Ok(Some(()));
        }
        if page.has(&textbox("Recovery key")).await? {
            page.fill(&textbox("Recovery key"), &recovery_key.join(" ").to_lowercase())
                .await?;
            page.press(Key::Enter).await?;
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        }
        Ok(None)
    })
    .await
}

async fn change_and_remove(owner: &Person, recovery_key: &[String]) -> Result<()> {
    let page = owner.page();
    // Not by loading it anew: that would lock the only tab.
    page.click(&link("Settings")).await?;
    page.find_within(&textbox("Current passphrase"), Patience::LONG)
        .await?;
    page.fill(&textbox("Current passphrase"), PASSPHRASE).await?;
    page.fill(&textbox("New passphrase"), OTHER).await?;
    page.fill(&textbox("Passphrase again"), OTHER).await?;
    page.click(&button("Change passphrase")).await?;
    eventually("the form to be empty again", Patience::LONG, || async {
        let current = page.text(&textbox("Current passphrase")).await?;
        Ok((current.is_empty() && !page.everything().await?.contains("Encrypting")).then_some(()))
    })
    .await?;
    page.click(&button("Lock now")).await?;
    is_locked(owner).await?;
    page.fill(&textbox("Passphrase"), OTHER).await?;
    page.press(Key::Enter).await?;
    page.find_within(&textbox("Current passphrase"), Patience::LONG)
        .await
        .context("unlocked with the changed passphrase")?;
    // Whoever forgot the passphrase sets another with the recovery key.
    page.click(&button("Use the recovery key")).await?;
    page.fill(&textbox("Recovery key"), &recovery_key.join(" "))
        .await?;
    page.fill(&textbox("New passphrase"), PASSPHRASE).await?;
    page.fill(&textbox("Passphrase again"), PASSPHRASE).await?;
    page.click(&button("Change passphrase")).await?;
    page.until_shows("The lock is changed.").await?;
    // Without the lock's secret nobody takes it off.
    page.fill(&textbox("Current passphrase"), OTHER).await?;
    page.click(&button("Remove the lock")).await?;
    page.until_alert("This does not open it").await?;
    page.fill(&textbox("Current passphrase"), PASSPHRASE).await?;
    page.click(&button("Remove the lock")).await?;
    page.find_within(&button("Set passphrase"), Patience::LONG)
        .await?;
    page.reload().await?;
    page.find_within(&button("Set passphrase"), Patience::LONG)
        .await?;
    owner.open_chat("Bek Tursunov").await?;
    owner.until_sees("qulfdan oldin").await.map(drop)
}

async fn a_passkey_alone(member: &Person) -> Result<()> {
    let page = member.page();
    page.have_passkeys().await?;
    member.open("/settings").await?;
    page.find_within(&button("Add a passkey"), Patience::LONG).await?;
    page.click(&button("Add a passkey")).await?;
    page.find_within(&button("Lock now"), Patience::LONG).await?;
    page.click(&button("Lock now")).await?;
    is_locked(member).await?;
    page.click(&button("Unlock")).await?;
    page.find_within(&button("Lock now"), Patience::LONG).await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("qulfdan oldin").await.map(drop)
}
