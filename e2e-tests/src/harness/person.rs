//! A person at their own browser: what people do in Chopar, by the names the product page fixes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::chrome::{Chrome, Look};
use super::element::Element;
use super::keyboard::Key;
use super::page::Page;
use super::patience::{Patience, eventually};
use super::seek::{Sought, button, item, labelled, link, list, log, option, status, textbox};
use super::stage::Stage;
use super::watch::Watch;

/// Groups of a recovery key.
const RECOVERY_GROUPS: usize = 9;

/// Things said by one call of [`SAY_MANY`]: a few seconds.
const SAID_AT_ONCE: usize = 250;

/// Types and sends, without a pause; then waits until the last one is no longer waiting.
const SAY_MANY: &str = r"async (first, last, text) => {
  const box = document.querySelector('.composer textarea');
  for (let number = first; number <= last; number += 1) {
    box.value = text(number);
    box.dispatchEvent(new InputEvent('input', { bubbles: true }));
    box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
  }
  for (;;) {
    const own = [...document.querySelectorAll('[role=log] .own')].at(-1)?.getAttribute('aria-label') ?? '';
    if (own.includes(text(last)) && !own.endsWith('Waiting')) break;
    await new Promise((ok) => setTimeout(ok, 20));
  }
  box.value = '';
}";

/// Somebody with a profile folder, a browser and a tab. Clones are handles of the same.
#[derive(Clone)]
pub struct Person {
    /// Display name.
    pub name: String,
    /// Handle.
    pub handle: String,
    stage: Arc<Stage>,
    origin: String,
    profile: PathBuf,
    look: Look,
    watch: Arc<Watch>,
    chrome: Arc<Chrome>,
    page: Page,
}

/// One line of the conversation as assistive technology reads it: "sender, text, time, state".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(pub String);

impl Line {
    /// Whether this text is in it.
    pub fn says(&self, text: &str) -> bool {
        self.0.contains(text)
    }

    /// Who wrote it.
    pub fn sender(&self) -> &str {
        self.0.split(", ").next().unwrap_or_default()
    }

    /// The last part: of an own message "Waiting", "Sent", "Delivered" or "Read".
    pub fn state(&self) -> &str {
        self.0.rsplit(", ").next().unwrap_or_default()
    }
}

impl Person {
    pub(crate) async fn arrive(
        stage: &Arc<Stage>,
        origin: &str,
        name: &str,
        handle: &str,
        look: Look,
    ) -> Result<Self> {
        let profile = stage.profile(handle);
        let watch = Arc::new(Watch::default());
        let chrome = Arc::new(Chrome::launch(&profile, look.clone(), Arc::clone(&watch)).await?);
        let page = chrome.first_page().await?;
        stage.enter(name, origin, &chrome, &page);
        Ok(Self {
            name: name.to_owned(),
            handle: handle.to_owned(),
            stage: Arc::clone(stage),
            origin: origin.to_owned(),
            profile,
            look,
            watch,
            chrome,
            page,
        })
    }

    /// The tab.
    pub const fn page(&self) -> &Page {
        &self.page
    }

    /// The browser.
    pub fn chrome(&self) -> &Chrome {
        &self.chrome
    }

    /// What the browser has said, over all its lives.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The profile folder.
    pub fn profile(&self) -> &std::path::Path {
        &self.profile
    }

    /// Opens a path of the app.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn open(&self, path: &str) -> Result<()> {
        self.page.open(&format!("{}{path}", self.origin)).await
    }

    /// Goes from an invite link to the list of chats, with the recovery key written down and confirmed. Gives the key.
    ///
    /// # Errors
    /// When any step does not happen.
    pub async fn join(&self, link: &str) -> Result<Vec<String>> {
        self.register(link).await?;
        let groups = self.recovery_key().await?;
        self.page.click(&button("I have saved it")).await?;
        self.confirm(&groups).await?;
        self.until_in().await?;
        Ok(groups)
    }

    /// Opens an invite link, fills in handle and name, and asks for the account.
    ///
    /// # Errors
    /// When the form does not come or does not take it.
    pub async fn register(&self, link: &str) -> Result<()> {
        self.page.open(link).await?;
        self.page.find_within(&textbox("Handle"), Patience::LONG).await?;
        self.page.fill(&textbox("Handle"), &self.handle).await?;
        self.page.fill(&textbox("Display name"), &self.name).await?;
        self.page.click(&button("Create account")).await
    }

    /// The recovery key on the screen: nine groups.
    ///
    /// # Errors
    /// When it is not shown.
    pub async fn recovery_key(&self) -> Result<Vec<String>> {
        let shown = labelled("Recovery key");
        self.page.find_within(&shown, Patience::LONG).await?;
        let groups: Vec<String> = self
            .page
            .text(&shown)
            .await?
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        ensure!(
            groups.len() == RECOVERY_GROUPS,
            "a recovery key has {RECOVERY_GROUPS} groups, {} are shown",
            groups.len()
        );
        Ok(groups)
    }

    /// Types the groups that are asked for.
    ///
    /// # Errors
    /// When none are asked for, or the form does not take them.
    pub async fn confirm(&self, groups: &[String]) -> Result<()> {
        let boxes = textbox("Group ").starting();
        self.page.find(&boxes).await?;
        let asked = self.page.all(&boxes).await?;
        ensure!(
            asked.len() == 2,
            "two groups are to be asked for, not {}",
            asked.len()
        );
        for field in asked {
            let number: usize = field
                .name
                .trim_start_matches("Group ")
                .trim()
                .parse()
                .context("which group?")?;
            let group = number
                .checked_sub(1)
                .and_then(|at| groups.get(at))
                .context("no such group")?;
            self.page.fill(&textbox(&field.name), group).await?;
        }
        self.page.click(&button("Continue")).await
    }

    /// Goes from the first visit to the page that asks for a recovery key, and types one.
    ///
    /// # Errors
    /// When the way is not there.
    pub async fn bring_back(&self, key: &str) -> Result<()> {
        self.open("/").await?;
        let way = link("I have a recovery key");
        self.page.find_within(&way, Patience::LONG).await?;
        self.page.click(&way).await?;
        self.type_recovery_key(key).await
    }

    /// Types a recovery key where it is asked for, and hands it in.
    ///
    /// # Errors
    /// When it is not asked for.
    pub async fn type_recovery_key(&self, key: &str) -> Result<()> {
        self.page.find(&textbox("Recovery key")).await?;
        self.page.fill(&textbox("Recovery key"), key).await?;
        self.page.click(&button("Bring back")).await
    }

    /// Waits for the list of chats.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn until_in(&self) -> Result<()> {
        self.page
            .find_within(&button("New chat"), Patience::LONG)
            .await
            .map(drop)
    }

    /// Makes an invite link under Administration and gives it.
    ///
    /// # Errors
    /// When there is no such place or no link.
    pub async fn make_invite(&self) -> Result<String> {
        self.open("/admin").await?;
        self.page
            .find_within(&button("Create invite link"), Patience::LONG)
            .await?;
        self.page.click(&button("Create invite link")).await?;
        let link = self.page.text(&labelled("Invite link")).await?.trim().to_owned();
        ensure!(
            link.starts_with(&format!("{}/join#", self.origin)),
            "not an invite link of this relay: {link}"
        );
        self.open("/").await?;
        self.until_in().await?;
        Ok(link)
    }

    /// Waits until the connection says so: "Online", "Connecting" or "Offline".
    ///
    /// # Errors
    /// When it does not.
    pub async fn until_connection(&self, state: &str) -> Result<()> {
        self.page
            .until_says(&status("Connection"), state, Patience::LONG)
            .await
    }

    /// Finds a person by handle and opens the conversation with them.
    ///
    /// # Errors
    /// When they are not found or the conversation does not open.
    pub async fn start_chat(&self, with: &str) -> Result<()> {
        self.page.click(&button("New chat")).await?;
        self.page.fill(&textbox("Find people"), with).await?;
        self.page.click(&option(with)).await?;
        self.page.find(&textbox("Message")).await.map(drop)
    }

    /// Opens a conversation from the list.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn open_chat(&self, with: &str) -> Result<()> {
        self.open_chat_to_read(with).await?;
        self.page.find(&textbox("Message")).await.map(drop)
    }

    /// Opens a conversation from the list in which nothing may be written.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn open_chat_to_read(&self, with: &str) -> Result<()> {
        let row = item(with).within(list("Conversations"));
        self.page.find_within(&row, Patience::LONG).await?;
        self.page.click(&row).await?;
        self.page.find(&log("Messages")).await.map(drop)
    }

    /// Types a message and presses Enter.
    ///
    /// # Errors
    /// When there is nowhere to type, or the box is not emptied by sending.
    pub async fn say(&self, text: &str) -> Result<()> {
        self.page.fill(&textbox("Message"), text).await?;
        self.page.press(Key::Enter).await?;
        eventually(
            "the message box to be empty after sending",
            Patience::SOON,
            || async {
                let field = self.page.find(&textbox("Message")).await?;
                Ok(self.page.text_of(&field).await?.is_empty().then_some(()))
            },
        )
        .await
    }

    /// Opens the settings, where there is no lock yet, and types a passphrase into both boxes of a new one.
    ///
    /// # Errors
    /// When there is a lock.
    pub async fn type_new_passphrase(&self, passphrase: &str) -> Result<()> {
        self.open("/settings").await?;
        self.page
            .find_within(&textbox("Passphrase"), Patience::LONG)
            .await?;
        for field in ["Passphrase", "Passphrase again"] {
            self.page.fill(&textbox(field), passphrase).await?;
        }
        Ok(())
    }

    /// Says something more where the last thing was said: the focus is still in the message box, so nothing is looked for. Looking
    /// goes through everything the page shows, which takes seconds once that is a thousand messages.
    ///
    /// # Errors
    /// When the focus is elsewhere or the box is not empty after sending.
    pub async fn say_more(&self, text: &str) -> Result<()> {
        const TYPED: &str =
            "document.activeElement.matches('textarea') ? document.activeElement.value : null";
        // What another tab is writing there follows into this one: it is replaced.
        eventually("the message box to take the text", Patience::SOON, || async {
            self.page.evaluate("document.activeElement.select?.()").await?;
            self.page.insert(text).await?;
            let typed = self.page.evaluate(TYPED).await?;
            ensure!(!typed.is_null(), "the focus is elsewhere");
            Ok((typed.as_str() == Some(text)).then_some(()))
        })
        .await?;
        self.page.press(Key::Enter).await?;
        eventually(
            "the message box to be empty after sending",
            Patience::SOON,
            || async {
                let typed = self.page.evaluate(TYPED).await?;
                Ok((typed.as_str() == Some("")).then_some(()))
            },
        )
        .await
    }

    /// Says many things in the conversation that is open, as fast as its page takes them: of each number what `text`, a function in
    /// JavaScript, makes of it. Ends when the relay has the last one.
    ///
    /// # Errors
    /// When no conversation is open, or the relay does not take them.
    pub async fn say_many(&self, numbers: Range<usize>, text: &str) -> Result<()> {
        for first in numbers.clone().step_by(SAID_AT_ONCE) {
            let last = numbers.end.min(first + SAID_AT_ONCE) - 1;
            self.page
                .evaluate(&format!("({SAY_MANY})({first}, {last}, {text})"))
                .await
                .with_context(|| format!("saying {first} to {last}"))?;
        }
        Ok(())
    }

    /// The lines on the screen, in order.
    ///
    /// # Errors
    /// When no conversation is open.
    pub async fn lines(&self) -> Result<Vec<Line>> {
        let items = Sought::any(&["article"]).within(log("Messages"));
        let all = self.page.all(&items).await?;
        Ok(all
            .into_iter()
            .map(|element: Element| Line(element.name))
            .filter(|line| !line.0.is_empty())
            .collect())
    }

    /// All lines of the conversation that is open, from its first one on: scrolls up until no older ones come, and back to the latest.
    /// The page holds only some of them at a time.
    ///
    /// # Errors
    /// When no conversation is open.
    pub async fn history(&self) -> Result<Vec<Line>> {
        const UP: &str = "(() => { const log = document.querySelector('[role=log]'); log.scrollTop = -log.scrollHeight; })()";
        const DOWN: &str = "document.querySelector('[role=log]').scrollTop = 0";
        // An older page takes one round through the worker; what has not come after two looks does not exist.
        const LOOK_AGAIN: Duration = Duration::from_millis(600);
        let mut lines = self.numbered_lines().await?;
        let mut same = 0;
        while same < 2 {
            self.page.evaluate(UP).await?;
            tokio::time::sleep(LOOK_AGAIN).await;
            let before = lines.len();
            lines.extend(self.numbered_lines().await?);
            same = if lines.len() == before { same + 1 } else { 0 };
        }
        self.page.evaluate(DOWN).await?;
        self.to_latest().await?;
        // What has been said of the latest meanwhile.
        lines.extend(self.numbered_lines().await?);
        Ok(lines
            .into_values()
            .map(Line)
            .filter(|line| !line.0.is_empty())
            .collect())
    }

    /// Presses "Jump to latest" where there is a way to go.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub async fn to_latest(&self) -> Result<()> {
        let jump = button("Jump to latest");
        eventually("the latest line to be on the screen", Patience::LONG, || async {
            if !self.page.has(&jump).await? {
                return Ok(Some(()));
            }
            self.page.click(&jump).await?;
            Ok(None)
        })
        .await
    }

    /// The names of the lines that the page holds, by the numbers that it has for them.
    async fn numbered_lines(&self) -> Result<BTreeMap<u64, String>> {
        const LINES: &str = "[...document.querySelectorAll('[role=log] [role=article]')].map((line) => \
            [line.dataset.sequence, line.getAttribute('aria-label')])";
        let lines = self.page.evaluate(LINES).await?;
        let lines = lines.as_array().context("no lines")?.iter();
        lines
            .map(|line| {
                let number = line[0].as_str().context("a line without a number")?.parse()?;
                Ok((number, line[1].as_str().unwrap_or_default().to_owned()))
            })
            .collect()
    }

    /// Waits for a line with this text.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn until_sees(&self, text: &str) -> Result<Line> {
        let what = format!("{} to see {text:?}", self.name);
        eventually(&what, Patience::LONG, || async {
            Ok(self.lines().await?.into_iter().find(|line| line.says(text)))
        })
        .await
    }

    /// Waits until the line with this text is in this state; a later state is as good.
    ///
    /// # Errors
    /// When it does not come so far.
    pub async fn until_state(&self, text: &str, state: &str) -> Result<()> {
        const ORDER: [&str; 4] = ["Waiting", "Sent", "Delivered", "Read"];
        let rank = |state: &str| ORDER.iter().position(|known| *known == state);
        let wanted = rank(state).with_context(|| format!("{state:?} is no state"))?;
        let what = format!("{}'s {text:?} to be {state}", self.name);
        eventually(&what, Patience::LONG, || async {
            let lines = self.lines().await?;
            let line = lines
                .iter()
                .find(|line| line.says(text))
                .context("the line is not there")?;
            let now = rank(line.state()).with_context(|| format!("its state reads {:?}", line.state()))?;
            Ok((now >= wanted).then_some(()))
        })
        .await
    }

    /// Opens the page of the person whose conversation is open and reads the sixty digits.
    ///
    /// # Errors
    /// When they are not shown.
    pub async fn safety_number(&self, of: &str) -> Result<String> {
        self.open_person(of).await?;
        let digits = labelled("Safety number digits");
        let shown = eventually("sixty digits", Patience::SOON, || async {
            let text = self.page.text(&digits).await?;
            let only: String = text.chars().filter(char::is_ascii_digit).collect();
            Ok((only.len() == 60).then_some(text))
        })
        .await?;
        Ok(shown.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// How many lines have this text.
    ///
    /// # Errors
    /// When no conversation is open.
    pub async fn count(&self, text: &str) -> Result<usize> {
        Ok(self.lines().await?.iter().filter(|line| line.says(text)).count())
    }

    /// The state of the own line with this text, exactly.
    ///
    /// # Errors
    /// When there is no such line.
    pub async fn state(&self, text: &str) -> Result<String> {
        let lines = self.lines().await?;
        let line = lines
            .iter()
            .find(|line| line.says(text))
            .with_context(|| format!("no line says {text:?}"))?;
        Ok(line.state().to_owned())
    }

    /// Opens a person's page by the button in the conversation's header.
    ///
    /// # Errors
    /// When it does not open.
    pub async fn open_person(&self, of: &str) -> Result<()> {
        self.page.click(&button(of).starting()).await?;
        self.page
            .find(&super::seek::heading("Safety number"))
            .await
            .map(drop)
    }

    /// The same person at a second tab of the same browser, where nothing is open yet.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn another_tab(&self) -> Result<Self> {
        let page = self.chrome.new_page().await?;
        self.stage.enter(&self.name, &self.origin, &self.chrome, &page);
        Ok(Self { page, ..self.clone() })
    }

    /// Somebody who has copied this person's profile folder, at a browser of their own. The person's browser must be closed.
    ///
    /// # Errors
    /// When the folder cannot be copied or the browser does not start.
    pub async fn copied(&self, by: &str) -> Result<Self> {
        let profile = self.stage.profile(by);
        copy_folder(&self.profile, &profile).context("copying the profile folder")?;
        let watch = Arc::new(Watch::default());
        let chrome = Arc::new(Chrome::launch(&profile, self.look.clone(), Arc::clone(&watch)).await?);
        let page = chrome.first_page().await?;
        self.stage.enter(by, &self.origin, &chrome, &page);
        Ok(Self {
            name: by.to_owned(),
            profile,
            watch,
            chrome,
            page,
            ..self.clone()
        })
    }

    /// Closes this tab; the browser stays.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn close_tab(self) -> Result<()> {
        self.page.close().await
    }

    /// Closes the browser in good order; the profile stays.
    ///
    /// # Errors
    /// When it does not close.
    pub async fn leave(&self) -> Result<()> {
        self.chrome.close().await
    }

    /// Ends the browser without a warning; the profile stays.
    ///
    /// # Errors
    /// When the process cannot be ended.
    pub async fn crash(&self) -> Result<()> {
        self.chrome.kill().await
    }

    /// Starts a browser on the same profile and opens `path`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn come_back(&mut self, path: &str) -> Result<()> {
        let chrome = Chrome::launch(&self.profile, self.look.clone(), Arc::clone(&self.watch)).await?;
        self.chrome = Arc::new(chrome);
        self.page = self.chrome.first_page().await?;
        self.stage
            .enter(&self.name, &self.origin, &self.chrome, &self.page);
        self.open(path).await
    }
}

/// Copies what is in a folder. A browser's locks are links that lead nowhere and belong to its process: they are left out.
fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
