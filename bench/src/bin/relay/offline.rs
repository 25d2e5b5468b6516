//! One to one while nobody is there, then everybody comes.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use chopar_wire::proto::relay::relay_frame::Body;
use futures_util::future::try_join_all;

use crate::link::{Link, PAYLOAD, message, said};
use crate::report::Goal;
use crate::run::Run;

pub(crate) async fn measure(run: &mut Run<'_>) -> Result<()> {
    let count = run.options.offline as f64;
    let (seconds, used) = submit(run, run.options.offline, run.options.pairs).await?;
    run.note("offline_in_per_second", count / seconds, Goal::AtLeast(20_000.0));
    run.note("offline_in_server_us", used * 1e6 / count, Goal::None);

    let used = run.server.processor_time()?;
    let begun = Instant::now();
    let receivers = run
        .crowd
        .people
        .get(run.options.pairs..2 * run.options.pairs)
        .context("too few people")?;
    let here = &run.server;
    let drained: Vec<usize> = try_join_all(
        receivers
            .iter()
            .map(|person| async move { Link::signed_in(here, person).await?.drain().await }),
    )
    .await?;
    let seconds = begun.elapsed().as_secs_f64();
    let used = (run.server.processor_time()? - used).as_secs_f64();
    ensure!(
        drained.iter().sum::<usize>() == run.options.offline,
        "not everything that was accepted was delivered"
    );
    run.note("offline_out_per_second", count / seconds, Goal::AtLeast(30_000.0));
    run.note("offline_out_server_us", used * 1e6 / count, Goal::None);
    Ok(())
}

/// Lets the first people submit `count` messages to as many mailboxes beyond them; the seconds it took, and those of the
/// relay's processor.
pub(crate) async fn submit(run: &Run<'_>, count: usize, mailboxes: usize) -> Result<(f64, f64)> {
    let (options, server, crowd) = (run.options, &run.server, &run.crowd);
    let pairs = options.pairs;
    let links = crowd.connect(server, 0..pairs).await?;
    let used = server.processor_time()?;
    let begun = Instant::now();
    let shares = links
        .into_iter()
        .enumerate()
        .map(|(number, mut link)| async move {
            let share = count / pairs + usize::from(number < count % pairs);
            let (mut waiting, mut left) = (0, share);
            while left > 0 || waiting > 0 {
                while waiting < options.window && left > 0 {
                    let mailbox = (number + left * pairs) % mailboxes;
                    let to = crowd.people.get(pairs + mailbox).context("too few people")?;
                    link.feed(message(to, vec![0x5a; PAYLOAD])).await?;
                    (waiting, left) = (waiting + 1, left - 1);
                }
                link.flush().await?;
                let mut next = Some(link.next().await?);
                while let Some(frame) = next {
                    match frame.body {
                        Some(Body::Accepted(_)) => waiting -= 1,
                        other => bail!("{} instead of an acceptance", other.as_ref().map_or("?", said)),
                    }
                    next = link.next_now()?;
                }
            }
            anyhow::Ok(())
        });
    try_join_all(shares).await?;
    let used = server.processor_time()? - used;
    Ok((begun.elapsed().as_secs_f64(), used.as_secs_f64()))
}
