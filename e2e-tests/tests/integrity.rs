//! Served code that is not the code that was built does not run, and the page says so.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{
    Organisation, Patience, Person, RelayPort, Stage, button, eventually, labelled, link, textbox,
};
use chopar_e2e::hostile::HostileProxy;

/// What the page says when a digest does not match.
const SAYS: &str = "The app was not started: what this server sent is not what was built.";
/// What the page itself says when not even its first script runs.
const SAYS_WITHOUT_SCRIPT: &str = "The app has not started:";

/// T-015.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_changed_byte_stops_the_app_with_clear_words() -> Result<()> {
    Stage::play("integrity", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let server = HostileProxy::start(RelayPort::free()?).await?;
    let organisation = Organisation::found_behind(&stage, &server).await?;
    let person = organisation.person("Dilnoza Karimova", "dilnoza").await?;
    let link = organisation.owner_link().await?;

    // Honestly served, it starts; and it tells which files it consists of.
    person.page().open(&link).await?;
    person
        .page()
        .find_within(&textbox("Handle"), Patience::LONG)
        .await?;
    let files = person.watch().requests();
    let name_of = |part: &str, end: &str| -> Result<String> {
        let mut paths = files.iter().filter_map(|url| url.rsplit('/').next());
        let found = paths.find(|name| name.contains(part) && name.ends_with(end));
        Ok(found
            .with_context(|| format!("no file {part}…{end} was loaded: {files:?}"))?
            .to_owned())
    };
    let files = [
        name_of("chopar-web", ".wasm")?,
        name_of("chopar-web", ".js")?,
        name_of("parts", ".js")?,
        name_of("worker", ".js")?,
        name_of("en-", ".txt")?,
        name_of("boot", ".js")?,
    ];

    // The page's scripts are immutable and cached: without the cache, every visit is a first one.
    person
        .page()
        .call(
            "Network.setCacheDisabled",
            serde_json::json!({ "cacheDisabled": true }),
        )
        .await?;
    for file in files {
        server.spoil(&file);
        person.page().open(&link).await?;
        if file.starts_with("boot") {
            // The script that would say it is itself the changed one: nothing runs, and the page's own words come by themselves.
            eventually("the page's own words", Patience::LONG, || async {
                let words = person.page().everything().await?;
                Ok(words.contains(SAYS_WITHOUT_SCRIPT).then_some(()))
            })
            .await?;
        } else {
            person
                .page()
                .until_alert(SAYS)
                .await
                .with_context(|| file.clone())?;
        }
        ensure!(
            !person.page().has(&textbox("Handle")).await?,
            "{file} was changed, and the app runs"
        );
        // The refusals are what was wanted here.
        ensure!(
            !person.watch().errors().is_empty() || !person.watch().violations().is_empty(),
            "{file}: nothing said why"
        );
        person.watch().forgive_errors();
        person.watch().forgive_violations();
    }

    // "Load again" suffices once the server is honest again.
    server.spoil(&name_of_wasm(&person.watch().requests())?);
    person.page().open(&link).await?;
    person.page().until_alert(SAYS).await?;
    person.watch().forgive_errors();
    person.watch().forgive_violations();
    server.be_honest();
    person.page().click(&button("Load again")).await?;
    person
        .page()
        .find_within(&textbox("Handle"), Patience::LONG)
        .await?;
    a_language_chosen_later(&server, &person).await
}

/// It is held to its digest like everything before it, and where it cannot be had the page stays as it was.
async fn a_language_chosen_later(server: &HostileProxy, person: &Person) -> Result<()> {
    server.spoil(".txt");
    person.page().click(&labelled("Oʻzbekcha")).await?;
    person
        .page()
        .until_alert("Oʻzbekcha was not loaded: what this server sent is not what was built.")
        .await?;
    server.be_honest();
    person.chrome().set_offline(true).await?;
    person.page().click(&labelled("Русский")).await?;
    person
        .page()
        .until_alert("Русский could not be loaded. Check the connection and try again.")
        .await?;
    person.chrome().set_offline(false).await?;
    ensure!(
        person.page().has(&textbox("Handle")).await?,
        "the page goes on in English"
    );
    person.page().click(&labelled("Русский")).await?;
    person
        .page()
        .find_within(&textbox("Имя пользователя"), Patience::SOON)
        .await?;
    person.watch().forgive_errors();
    person.watch().forgive_violations();
    Ok(())
}

/// T-015. What comes later than the first load is held to its digest like everything before it; without it the rest of the app goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_comes_later_is_compared_too() -> Result<()> {
    Stage::play("integrity_later", later).await
}

async fn later(stage: Arc<Stage>) -> Result<()> {
    let server = HostileProxy::start(RelayPort::free()?).await?;
    let organisation = Organisation::found_behind(&stage, &server).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let page = owner.page();

    // Of wasm the parts alone are still to come.
    server.spoil(".wasm");
    page.click(&link("Settings")).await?;
    page.until_alert("This part of the app was not loaded: what this server sent is not what was built.")
        .await?;
    server.be_honest();
    owner.chrome().set_offline(true).await?;
    page.click(&button("Try again")).await?;
    page.until_alert("This part of the app could not be loaded. Check the connection and try again;")
        .await?;
    ensure!(
        !page.has(&textbox("Display name")).await?,
        "the page is shown and could not be loaded"
    );
    owner.chrome().set_offline(false).await?;
    page.click(&button("Try again")).await?;
    page.find_within(&textbox("Display name"), Patience::SOON).await?;
    owner.watch().forgive_errors();
    owner.watch().forgive_violations();

    // From there the pages of this part are drawn at once, and each takes the keyboard as it always did.
    page.click(&link("Administration")).await?;
    page.find(&button("Create invite link")).await?;
    eventually("the keyboard on the title", Patience::SOON, || async {
        let active = page.evaluate("document.activeElement.id").await?;
        Ok((active == "pane-title").then_some(()))
    })
    .await
}

fn name_of_wasm(requests: &[String]) -> Result<String> {
    let mut names = requests.iter().filter_map(|url| url.rsplit('/').next());
    Ok(names
        .find(|name| name.ends_with(".wasm"))
        .context("no wasm was loaded")?
        .to_owned())
}
