//! The relay dies in the middle of it (`kill -9`) and is started again on the same data.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use chopar_e2e::harness::{Organisation, Patience, RelayPort, Stage, eventually};
use chopar_e2e::hostile::HostileProxy;
use chopar_wire::proto::relay::client_frame::Body as Asked;
use chopar_wire::proto::relay::relay_frame::Body;

/// Messages sent around the relay's death; more when the long sizes are asked for.
const MESSAGES: usize = 50;
/// The long size.
const MESSAGES_FULL: usize = 200;

/// T-012.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_arrive_once_and_in_order_though_the_relay_is_killed() -> Result<()> {
    Stage::play("relay_killed", play).await
}

/// From now on no submission is answered; counts them.
fn answers_stay_away(server: &HostileProxy) -> Arc<AtomicUsize> {
    let submitted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&submitted);
    server.alter_client(move |frame| {
        if matches!(frame.body, Some(Asked::Submit(_))) {
            count.fetch_add(1, Ordering::SeqCst);
        }
        vec![frame]
    });
    server.alter_relay(|frame| match frame.body {
        Some(Body::Accepted(_)) => Vec::new(),
        _ => vec![frame],
    });
    submitted
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let messages = if std::env::var_os("CHOPAR_FULL").is_some() {
        MESSAGES_FULL
    } else {
        MESSAGES
    };
    let server = HostileProxy::start(RelayPort::free()?).await?;
    let mut organisation = Organisation::found_behind(&stage, &server).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("boshladik").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("boshladik").await?;

    let text = |number: usize| format!("xabar-{number:03}.");
    // A third before its death, a third while it is gone, a third after it is back.
    for number in 0..messages {
        if number == messages / 3 {
            // In the middle of sending: it has stored the message and its answer is under way.
            let submitted = answers_stay_away(&server);
            owner.say(&text(number)).await?;
            eventually("a message without an answer", Patience::LONG, || async {
                Ok((submitted.load(Ordering::SeqCst) > 0).then_some(()))
            })
            .await?;
            organisation.kill_relay().await?;
            server.be_honest();
            continue;
        }
        if number == messages * 2 / 3 {
            // Long enough for both pages to have noticed and tried again in vain.
            tokio::time::sleep(Duration::from_secs(2)).await;
            organisation.restart_relay().await?;
        }
        owner.say(&text(number)).await?;
    }
    owner.until_connection("Online").await?;
    member.until_connection("Online").await?;
    member.until_sees(&text(messages - 1)).await?;
    eventually("every message to have arrived", Patience::LONG, || async {
        Ok((member.count("xabar-").await? >= messages).then_some(()))
    })
    .await?;

    let wanted: Vec<usize> = (0..messages).collect();
    for person in [&owner, &member] {
        let lines = person.lines().await?;
        let seen: Vec<usize> = lines
            .iter()
            .filter_map(|line| wanted.iter().copied().find(|number| line.says(&text(*number))))
            .collect();
        ensure!(seen == wanted, "{} sees {seen:?}", person.name);
    }
    for number in [0, messages / 3, messages / 2, messages - 1] {
        owner.until_state(&text(number), "Read").await?;
    }
    Ok(())
}
