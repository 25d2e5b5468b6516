//! One to one: each of some people writes to another who is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chopar_wire::proto::relay::relay_frame::Body;
use tokio::task::JoinHandle;

use crate::link::{Link, PAYLOAD, message, said};
use crate::people::Person;
use crate::report::{Goal, quantile};
use crate::run::Run;
use crate::server::own_processor_time;

/// Messages a second of half the load that is the goal, whatever is reached.
const HALF: u64 = 10_000;
/// Messages a second of the quietest load.
const QUIET: u64 = 500;
/// What is not counted: caches fill, buffers grow.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long the last messages may take once nothing more is sent.
const TAIL: Duration = Duration::from_secs(5);

/// A run's result.
struct Load {
    per_second: f64,
    /// Milliseconds from the submission, or from when that was due, to the delivery.
    latencies: Vec<f64>,
    /// The relay's processor time, and this program's, in microseconds for each message.
    server_us: f64,
    generator_us: f64,
}

pub(crate) async fn measure(run: &mut Run<'_>) -> Result<()> {
    let full = load(run, None).await?;
    run.note("pairs_per_second", full.per_second, Goal::AtLeast(20_000.0));
    run.note("pairs_server_us", full.server_us, Goal::None);
    run.note("pairs_generator_us", full.generator_us, Goal::None);
    run.note("pairs_p50_ms", quantile(&full.latencies, 0.5)?, Goal::None);
    run.note("pairs_p99_ms", quantile(&full.latencies, 0.99)?, Goal::None);

    let half = load(run, Some(HALF)).await?;
    run.note("pairs_half_per_second", half.per_second, Goal::None);
    run.note("pairs_half_p50_ms", quantile(&half.latencies, 0.5)?, Goal::None);
    run.note_under(
        format!("{:.0} a second of {HALF} asked for", half.per_second),
        "pairs_half_p99_ms",
        quantile(&half.latencies, 0.99)?,
        Goal::AtMost(25.0),
    );

    let quiet = load(run, Some(QUIET)).await?;
    run.note("pairs_quiet_p50_ms", quantile(&quiet.latencies, 0.5)?, Goal::None);
    run.note_under(
        format!("{:.0} a second", quiet.per_second),
        "pairs_quiet_p99_ms",
        quantile(&quiet.latencies, 0.99)?,
        Goal::AtMost(5.0),
    );
    Ok(())
}

/// When a message was sent and when it arrived, in nanoseconds since the run began.
type Trip = (u64, u64);

/// As fast as the window lets it, or at a rate of all pairs together.
async fn load(run: &Run<'_>, rate: Option<u64>) -> Result<Load> {
    let (options, server, crowd) = (run.options, &run.server, &run.crowd);
    let pairs = options.pairs;
    let senders = crowd.connect(server, 0..pairs).await?;
    let receivers = crowd.connect(server, pairs..2 * pairs).await?;
    let clock = Instant::now();
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let listening: Vec<JoinHandle<Result<Vec<Trip>>>> = receivers
        .into_iter()
        .map(|link| tokio::spawn(receive(link, clock)))
        .collect();
    let mut writing = Vec::new();
    for (number, link) in senders.into_iter().enumerate() {
        let to = Arc::clone(crowd.people.get(pairs + number).context("too few people")?);
        let pace = rate.map(|rate| Duration::from_secs_f64(pairs as f64 / rate.max(1) as f64));
        let (stop, sent, window) = (Arc::clone(&stop), Arc::clone(&sent), options.window);
        writing.push(tokio::spawn(async move {
            let mut sender = Sender {
                link,
                to,
                clock,
                window,
                // Not all at the same moment: people do not write in step.
                first: clock + pace.unwrap_or_default().mul_f64(number as f64 / pairs as f64),
            };
            let count = sender.send(pace, &stop).await?;
            sent.fetch_add(count, Ordering::Relaxed);
            anyhow::Ok(sender.link)
        }));
    }
    tokio::time::sleep(WARM_UP).await;
    let (from, used, own) = (clock.elapsed(), server.processor_time()?, own_processor_time()?);
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let (until, used) = (clock.elapsed(), server.processor_time()? - used);
    let own = own_processor_time()? - own;
    stop.store(true, Ordering::Relaxed);
    let mut links = Vec::new();
    for task in writing {
        links.push(task.await??);
    }
    let mut arrived = Vec::new();
    for task in listening {
        arrived.extend(task.await??);
    }
    let sent = sent.load(Ordering::Relaxed);
    if arrived.len() as u64 != sent {
        bail!("{sent} messages were accepted, {} arrived", arrived.len());
    }
    let within = from.as_nanos() as u64..until.as_nanos() as u64;
    let latencies: Vec<f64> = arrived
        .iter()
        .filter(|(_, at)| within.contains(at))
        .map(|(begun, at)| (at - begun) as f64 / 1e6)
        .collect();
    let count = latencies.len() as f64;
    Ok(Load {
        per_second: count / (until - from).as_secs_f64(),
        latencies,
        server_us: used.as_secs_f64() * 1e6 / count,
        generator_us: own.as_secs_f64() * 1e6 / count,
    })
}

struct Sender {
    link: Link,
    to: Arc<Person>,
    clock: Instant,
    window: usize,
    /// When the first message is due.
    first: Instant,
}

impl Sender {
    /// Sends until told to stop, then waits for the last answers; how many messages were accepted.
    async fn send(&mut self, pace: Option<Duration>, stop: &AtomicBool) -> Result<u64> {
        let (mut waiting, mut accepted) = (0, 0);
        let mut due = self.first;
        while !stop.load(Ordering::Relaxed) {
            let mut fed = false;
            while waiting < self.window && pace.is_none_or(|_| due <= Instant::now()) {
                // One for which its sender had no window has waited since it was due.
                let at = pace.map_or_else(Instant::now, |_| due);
                let at = at.saturating_duration_since(self.clock);
                self.link.feed(message(&self.to, stamped(at))).await?;
                (waiting, fed) = (waiting + 1, true);
                due += pace.unwrap_or_default();
            }
            if fed {
                self.link.flush().await?;
            }
            if waiting == 0 || (pace.is_some() && waiting < self.window) {
                tokio::select! {
                    frame = self.link.next_patiently() => settle(frame?.body, &mut waiting, &mut accepted)?,
                    () = tokio::time::sleep_until(due.into()) => {}
                }
            } else {
                settle(self.link.next().await?.body, &mut waiting, &mut accepted)?;
            }
            while let Some(frame) = self.link.next_now()? {
                settle(frame.body, &mut waiting, &mut accepted)?;
            }
        }
        while waiting > 0 {
            settle(self.link.next().await?.body, &mut waiting, &mut accepted)?;
        }
        Ok(accepted)
    }
}

fn settle(body: Option<Body>, waiting: &mut usize, accepted: &mut u64) -> Result<()> {
    match body {
        Some(Body::Accepted(_)) => {
            *waiting -= 1;
            *accepted += 1;
            Ok(())
        }
        Some(Body::QueueEmpty(_)) => Ok(()),
        other => bail!("{} instead of an acceptance", other.as_ref().map_or("?", said)),
    }
}

/// A body that begins with the moment of its sending, by its sender's clock.
pub(crate) fn stamped(at: Duration) -> Vec<u8> {
    let mut body = vec![0x5a; PAYLOAD];
    body[..8].copy_from_slice(&(at.as_nanos() as u64).to_be_bytes());
    body
}

/// When a body was sent, in nanoseconds of its sender's clock.
pub(crate) fn stamp(body: &[u8]) -> u64 {
    body.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Takes and acknowledges what comes until nothing comes any more: when each was sent and when it arrived.
async fn receive(mut link: Link, clock: Instant) -> Result<Vec<Trip>> {
    let mut arrived = Vec::new();
    let (mut seqs, mut count) = (Vec::new(), 0);
    while let Ok(frame) = tokio::time::timeout(TAIL, link.next_patiently()).await {
        let mut next = Some(frame?);
        while let Some(frame) = next {
            if let Some(Body::Deliver(deliver)) = frame.body {
                arrived.push((stamp(&deliver.body), clock.elapsed().as_nanos() as u64));
                seqs.push(deliver.seq);
            }
            next = link.next_now()?;
        }
        link.acknowledge(&mut seqs, &mut count).await?;
    }
    Ok(arrived)
}
