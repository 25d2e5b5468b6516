//! One to many: a group submission to people who are there.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use chopar_wire::GroupRecipient;
use chopar_wire::proto::relay::{ExpiryClass, SubmitGroup, client_frame as c, relay_frame::Body};
use futures_util::future::try_join_all;

use crate::link::{Link, PAYLOAD, said};
use crate::people::envelope_id;
use crate::report::{Goal, quantile};
use crate::run::Run;

/// Messages of each size; the first ones are not counted.
const ROUNDS: usize = 25;
const WARM_UP: usize = 5;

pub(crate) async fn measure(run: &mut Run<'_>) -> Result<()> {
    let options = run.options;
    for many in &options.fanout {
        let mut sender = run
            .crowd
            .connect(&run.server, 0..1)
            .await?
            .pop()
            .context("a sender")?;
        let mut links = run.crowd.connect(&run.server, 1..many + 1).await?;
        let people = run.crowd.people.get(1..=*many).context("too few people")?;
        let recipients: Vec<_> = people
            .iter()
            .map(|person| GroupRecipient::new(person.account, &person.head().hash))
            .collect();
        let recipients = GroupRecipient::encode(&recipients);
        let (mut accepted, mut delivered) = (Vec::new(), Vec::new());
        let mut used = run.server.processor_time()?;
        for round in 0..ROUNDS {
            if round == WARM_UP {
                used = run.server.processor_time()?;
            }
            let begun = Instant::now();
            let submit = c::Body::SubmitGroup(SubmitGroup {
                id: envelope_id().into(),
                body: vec![0x5a; PAYLOAD].into(),
                expiry: ExpiryClass::ExpiryMonth.into(),
                recipients: recipients.clone(),
            });
            let answer = async {
                match sender.ask(submit).await? {
                    Body::GroupAccepted(accepted) => ensure!(accepted.full.is_empty(), "a mailbox is full"),
                    other => bail!("{} instead of an acceptance", said(&other)),
                }
                anyhow::Ok(begun.elapsed())
            };
            let arrivals = try_join_all(links.iter_mut().map(|link| arrival(link, begun)));
            let (answered, arrived) = tokio::try_join!(answer, arrivals)?;
            if round >= WARM_UP {
                accepted.push(answered.as_secs_f64() * 1e3);
                let last = arrived.iter().map(|(_, at)| *at).fold(0.0, f64::max);
                delivered.push(last);
            }
            // Acknowledged outside the measured span: a client stores first.
            for (link, (seq, _)) in links.iter_mut().zip(arrived) {
                link.acknowledge(&mut vec![seq], &mut 0).await?;
            }
            for link in &mut links {
                ensure!(
                    matches!(link.next().await?.body, Some(Body::Done(_))),
                    "not acknowledged"
                );
            }
        }
        let used = (run.server.processor_time()? - used).as_secs_f64();
        let goal = match many {
            200 => Goal::AtMost(12.0),
            1000 => Goal::AtMost(50.0),
            _ => Goal::None,
        };
        run.note(
            format!("fanout_{many}_accepted_ms"),
            quantile(&accepted, 0.5)?,
            Goal::None,
        );
        run.note(
            format!("fanout_{many}_delivered_ms"),
            quantile(&delivered, 0.5)?,
            goal,
        );
        let each = used * 1e6 / ((ROUNDS - WARM_UP) * many) as f64;
        run.note(format!("fanout_{many}_server_us"), each, Goal::None);
    }
    Ok(())
}

/// The number of the next delivery, and the milliseconds until it came.
async fn arrival(link: &mut Link, begun: Instant) -> Result<(u64, f64)> {
    loop {
        if let Some(Body::Deliver(deliver)) = link.next().await?.body {
            return Ok((deliver.seq, begun.elapsed().as_secs_f64() * 1e3));
        }
    }
}
