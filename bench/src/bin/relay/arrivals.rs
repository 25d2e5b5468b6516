//! People who come: one after another, and all at once.

use std::time::Instant;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;

use crate::link::Link;
use crate::report::Goal;
use crate::run::Run;

/// Sign-ins that are timed.
const SIGN_INS: usize = 5000;

pub(crate) async fn measure(run: &mut Run<'_>) -> Result<()> {
    let tls = run.tls();
    let people = run
        .crowd
        .people
        .get(..run.options.storm)
        .context("too few people")?;
    let (begun, used) = (Instant::now(), run.server.processor_time()?);
    let mut signed_in = 0;
    while signed_in < SIGN_INS {
        let many = people.len().min(SIGN_INS - signed_in);
        drop(run.crowd.connect(&run.server, 0..many).await?);
        signed_in += many;
    }
    let rate = signed_in as f64 / begun.elapsed().as_secs_f64();
    let each = (run.server.processor_time()? - used).as_secs_f64() * 1e6 / signed_in as f64;
    let goal = if tls { Goal::None } else { Goal::AtLeast(2000.0) };
    run.note("sign_ins_per_second", rate, goal);
    run.note("sign_in_server_us", each, Goal::None);

    let people = run
        .crowd
        .people
        .get(..run.options.storm)
        .context("too few people")?;
    let begun = Instant::now();
    let here = &run.server;
    let links: Vec<Link> = try_join_all(people.iter().map(|person| async move {
        let mut link = Link::signed_in(here, person).await?;
        link.drain().await?;
        anyhow::Ok(link)
    }))
    .await?;
    let seconds = begun.elapsed().as_secs_f64();
    run.note(format!("storm_{}_seconds", links.len()), seconds, Goal::None);
    Ok(())
}
