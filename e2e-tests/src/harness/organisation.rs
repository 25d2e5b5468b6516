//! An organisation of its own for one test: a relay, its folder, and the people's profile folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::chrome::Look;
use super::person::Person;
use super::relay::{Relay, RelayPlan};
use super::stage::Stage;
use crate::hostile::HostileProxy;

/// A relay and those who use it.
pub struct Organisation {
    stage: Arc<Stage>,
    folder: PathBuf,
    relay: Option<Relay>,
    plan: RelayPlan,
    /// What people open in their browsers: the relay, or what stands in front of it.
    pub origin: String,
}

impl Organisation {
    /// Starts a relay in an empty folder.
    ///
    /// # Errors
    /// When something is missing or does not start.
    pub async fn found(stage: &Arc<Stage>) -> Result<Self> {
        let folder = stage.folder().join("organisation");
        tokio::fs::create_dir_all(&folder).await?;
        let plan = RelayPlan::new(stage.places(), &folder)?;
        let origin = plan.origin();
        Self::found_as(stage, folder, plan, origin).await
    }

    /// As [`Organisation::found`], with a relay that takes everything as fast as it comes.
    ///
    /// # Errors
    /// When something is missing or does not start.
    pub async fn found_unlimited(stage: &Arc<Stage>) -> Result<Self> {
        let folder = stage.folder().join("organisation");
        tokio::fs::create_dir_all(&folder).await?;
        let mut plan = RelayPlan::new(stage.places(), &folder)?;
        plan.unlimited = true;
        let origin = plan.origin();
        Self::found_as(stage, folder, plan, origin).await
    }

    /// As [`Organisation::found`], with something else than the relay at the address that people open.
    ///
    /// # Errors
    /// When something is missing or does not start.
    pub async fn found_behind(stage: &Arc<Stage>, front: &HostileProxy) -> Result<Self> {
        let folder = stage.folder().join("organisation");
        tokio::fs::create_dir_all(&folder).await?;
        let mut plan = RelayPlan::new(stage.places(), &folder)?;
        plan.port = front.relay().0;
        plan.origins = vec![front.origin().to_owned()];
        Self::found_as(stage, folder, plan, front.origin().to_owned()).await
    }

    async fn found_as(stage: &Arc<Stage>, folder: PathBuf, plan: RelayPlan, origin: String) -> Result<Self> {
        stage.watch_relay_log(&plan.log);
        let relay = Relay::start(plan.clone()).await?;
        Ok(Self {
            stage: Arc::clone(stage),
            folder,
            relay: Some(relay),
            plan,
            origin,
        })
    }

    /// The relay, while it runs.
    ///
    /// # Errors
    /// After [`Organisation::kill_relay`].
    pub fn relay(&self) -> Result<&Relay> {
        self.relay.as_ref().context("the relay does not run now")
    }

    /// Ends the relay with `kill -9`.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill_relay(&mut self) -> Result<()> {
        self.relay
            .take()
            .context("the relay does not run now")?
            .kill()
            .await?;
        Ok(())
    }

    /// Starts the relay again on the same port and data.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart_relay(&mut self) -> Result<()> {
        self.relay = Some(Relay::start(self.plan.clone()).await?);
        Ok(())
    }

    /// A person with a fresh profile and an open, empty browser.
    ///
    /// # Errors
    /// When the browser does not start.
    pub async fn person(&self, name: &str, handle: &str) -> Result<Person> {
        self.person_with(name, handle, Look::default()).await
    }

    /// As [`Organisation::person`], on a machine of a certain look.
    ///
    /// # Errors
    /// When the browser does not start.
    pub async fn person_with(&self, name: &str, handle: &str, look: Look) -> Result<Person> {
        Person::arrive(&self.stage, &self.origin, name, handle, look).await
    }

    /// The owner: joins by the link that the relay has printed.
    ///
    /// # Errors
    /// When any step of joining does not happen.
    pub async fn owner(&self, name: &str, handle: &str) -> Result<Person> {
        let person = self.person(name, handle).await?;
        person.join(&self.owner_link().await?).await?;
        Ok(person)
    }

    /// The link that the relay has printed for the owner.
    ///
    /// # Errors
    /// When there is no relay, or it has printed none.
    pub async fn owner_link(&self) -> Result<String> {
        Ok(format!("{}{}", self.origin, self.relay()?.owner_invite().await?))
    }

    /// A member: joins by a link that the owner has made under Administration.
    ///
    /// # Errors
    /// When any step of it does not happen.
    pub async fn member(&self, owner: &Person, name: &str, handle: &str) -> Result<Person> {
        let link = owner.make_invite().await?;
        let person = self.person(name, handle).await?;
        person.join(&link).await?;
        Ok(person)
    }

    /// An invite link made on the relay's own machine, good for `uses` members.
    ///
    /// # Errors
    /// When the relay's program refuses.
    pub async fn invite(&self, uses: u32) -> Result<String> {
        let uses = uses.to_string();
        self.command(&["invite"], &["--origin", &self.origin, "--uses", &uses])
            .await
    }

    /// Ids of a member's active devices, as an administrator lists them on the relay's machine.
    ///
    /// # Errors
    /// When the relay's program refuses.
    pub async fn devices(&self, handle: &str) -> Result<Vec<String>> {
        let listed = self.command(&["device", "list", handle], &[]).await?;
        let ids = listed.lines().filter_map(|line| line.split_whitespace().next());
        Ok(ids.map(str::to_owned).collect())
    }

    /// Has an administrator suspend a member's device.
    ///
    /// # Errors
    /// When the relay's program refuses.
    pub async fn suspend(&self, handle: &str, device: &str) -> Result<()> {
        self.command(&["device", "suspend", handle, device], &[])
            .await
            .map(drop)
    }

    /// Runs the relay's program beside the running relay, and gives what it prints.
    async fn command(&self, what: &[&str], more: &[&str]) -> Result<String> {
        let output = tokio::process::Command::new(&self.plan.executable)
            .args(what)
            .arg("--data")
            .arg(&self.plan.data)
            .args(more)
            .output()
            .await?;
        ensure!(
            output.status.success(),
            "`{}` was refused: {}",
            what.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Where the relay keeps its database.
    pub fn relay_data(&self) -> &Path {
        &self.plan.data
    }

    /// What the relay has printed over all its lives.
    pub fn relay_log(&self) -> &Path {
        &self.plan.log
    }

    /// The folder of everything that belongs to this organisation.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Organisation {
    /// The relay outlives the play, so that the pictures of a failure show what the people saw.
    fn drop(&mut self) {
        if let Some(relay) = self.relay.take() {
            self.stage.keep(relay);
        }
    }
}
