//! Places for connections, in total and for each address. Closed: who finds none is turned away at once, before it costs
//! anything; unless somebody is here who has not said who it is, and makes room.
//!
//! ```text
//!  accepted ─ from a client ─> a place in total, counted for its address ─────────────────> any request
//!           └ from a proxy ──> a place in total ─ WebSocket: counted for the client's address ─┘
//! ```
//! Where the relay speaks plain HTTP behind a proxy, who comes from neither this machine nor a declared proxy is closed before
//! anything is read: what it asked for and what it got could be read and altered on the way.
//!
//! A proxy passes on what many ask for over few connections, so that only its WebSockets belong to one client each.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::forwarded::Proxies;
use crate::strangers::{Stranger, Strangers};

/// How often the log says that connections are turned away: a flood must not flood the log too.
const SAY_EVERY: Duration = Duration::from_secs(30);

/// How long the accept loop waits for a stranger to be gone: dropping a connection takes no time.
const LEAVE_IN: Duration = Duration::from_millis(100);

/// All places.
pub(crate) struct Places {
    total: Arc<Semaphore>,
    count: usize,
    per_address: usize,
    addresses: Addresses,
    strangers: Arc<Strangers>,
    proxies: Proxies,
    /// Nobody but a proxy speaks to this relay in the open.
    only_proxies: bool,
    turned_away: TurnedAway,
    /// Who came in the open, past the proxy.
    past_the_proxy: TurnedAway,
    /// The log says once that a proxy names no clients.
    said_nameless: AtomicBool,
}

/// Who is at the other end of a connection, and the place taken, given back when the last copy is dropped.
#[derive(Clone)]
pub(crate) struct Peer {
    address: IpAddr,
    is_proxy: bool,
    place: Arc<Place>,
}

impl Peer {
    /// It said who it is, or showed that it was invited.
    pub(crate) fn is_known(&self) {
        self.place.stranger.is_known();
    }

    /// Completes when another needs the place more; never for who is known.
    pub(crate) async fn told_to_go(&self) {
        self.place.stranger.told_to_go().await;
    }
}

/// Whose WebSocket it is: the peer, or who is behind it if it is a proxy.
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    _counted: Option<Counted>,
}

// Short critical sections without await: a plain mutex.
type Addresses = Arc<Mutex<HashMap<IpAddr, usize>>>;

struct Place {
    stranger: Stranger,
    _counted: Option<Counted>,
    _permit: OwnedSemaphorePermit,
}

/// One of an address's connections.
struct Counted {
    address: IpAddr,
    addresses: Addresses,
}

impl Places {
    /// For a listener that speaks TLS, or not.
    pub(crate) fn new(config: &Config, speaks_tls: bool) -> Self {
        let count = config
            .caps
            .connections
            .clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self {
            total: Arc::new(Semaphore::new(count)),
            count,
            per_address: config.caps.per_address,
            addresses: Arc::default(),
            strangers: Arc::default(),
            proxies: Proxies::of(config),
            only_proxies: config.behind_proxy && !speaks_tls,
            turned_away: TurnedAway::new("no place is free in total or for their address"),
            past_the_proxy: TurnedAway::new(
                "they came by plain HTTP, from neither this machine nor a declared proxy: a proxy is declared with --proxy ADDRESS",
            ),
            said_nameless: AtomicBool::new(false),
        }
    }

    /// A place for a connection that was accepted. Where all are taken, waits a moment for that of a stranger.
    pub(crate) async fn take(&self, address: IpAddr) -> Option<Peer> {
        let is_proxy = self.proxies.include(address);
        if self.only_proxies && !is_proxy {
            self.past_the_proxy.say();
            return None;
        }
        let place = self.try_take(address, is_proxy).await;
        if place.is_none() {
            self.turned_away.say();
        }
        Some(Peer {
            address,
            is_proxy,
            place: Arc::new(place?),
        })
    }

    async fn try_take(&self, address: IpAddr, is_proxy: bool) -> Option<Place> {
        // First: an address that has as many as it may sends nobody away.
        let counted = if is_proxy {
            None
        } else {
            Some(self.count(address)?)
        };
        let total = Arc::clone(&self.total);
        let permit = match Arc::clone(&total).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if self.strangers.send_one_away() => {
                let freed = tokio::time::timeout(LEAVE_IN, total.acquire_owned()).await;
                freed.ok()?.ok()?
            }
            Err(_) => return None,
        };
        Some(Place {
            stranger: self.strangers.enter(),
            _counted: counted,
            _permit: permit,
        })
    }

    /// Whose WebSocket a peer opens; `None`: its address has as many as it may.
    pub(crate) fn client(&self, peer: &Peer, headers: &HeaderMap) -> Option<Client> {
        if !peer.is_proxy {
            return Some(Client {
                address: group(peer.address),
                _counted: None,
            });
        }
        let address = self.proxies.client(headers).unwrap_or_else(|| {
            if !self.said_nameless.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "the proxy names no clients in X-Forwarded-For: all of them count as one address"
                );
            }
            peer.address
        });
        let counted = self.count(address);
        if counted.is_none() {
            self.turned_away.say();
        }
        let counted = counted?;
        Some(Client {
            address: counted.address,
            _counted: Some(counted),
        })
    }

    fn count(&self, address: IpAddr) -> Option<Counted> {
        let address = group(address);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let here = addresses.entry(address).or_insert(0);
        if *here >= self.per_address {
            return None;
        }
        *here += 1;
        Some(Counted {
            address,
            addresses: Arc::clone(&self.addresses),
        })
    }

    /// Connections that are here, and how many have ever been turned away.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let here = self.count.saturating_sub(self.total.available_permits());
        let away = [&self.turned_away, &self.past_the_proxy].map(|away| away.all.load(Ordering::Relaxed));
        (here as u64, away.iter().sum())
    }

    /// Waits until every place was given back.
    pub(crate) async fn empty(&self) {
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        if self.total.acquire_many(all).await.is_err() {
            tracing::debug!("the places are closed");
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = addresses.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: of IPv6 the first half, for a household is given all of the other.
fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Counts who was turned away for one reason, and says how many, not who.
struct TurnedAway {
    why: &'static str,
    unsaid: Mutex<Unsaid>,
    all: AtomicU64,
}

#[derive(Default)]
struct Unsaid {
    count: u64,
    said: Option<Instant>,
}

impl TurnedAway {
    fn new(why: &'static str) -> Self {
        Self {
            why,
            unsaid: Mutex::default(),
            all: AtomicU64::new(0),
        }
    }

    fn say(&self) {
        if let Some(connections) = self.note(Instant::now()) {
            tracing::warn!(connections, "connections were turned away: {}", self.why);
        }
    }

    /// One more; how many there were since the last time, if it is time to say so.
    fn note(&self, now: Instant) -> Option<u64> {
        let mut unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner);
        unsaid.count += 1;
        self.all.fetch_add(1, Ordering::Relaxed);
        if unsaid
            .said
            .is_some_and(|said| now.saturating_duration_since(said) < SAY_EVERY)
        {
            return None;
        }
        unsaid.said = Some(now);
        Some(std::mem::take(&mut unsaid.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(connections: usize, per_address: usize, behind_proxy: bool) -> Places {
        let mut config = Config::new("data");
        config.caps.connections = connections;
        config.caps.per_address = per_address;
        config.behind_proxy = behind_proxy;
        Places::new(&config, true)
    }

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 2));

    #[tokio::test]
    async fn places_are_bounded_and_come_back() {
        let places = places(3, 2, false);
        let first = places.take(A).await.unwrap();
        let second = places.take(A).await.unwrap();
        assert!(places.take(A).await.is_none(), "two for one address");
        let third = places.take(B).await.unwrap();
        for peer in [&first, &second, &third] {
            peer.is_known();
        }
        assert!(places.take(B).await.is_none(), "three in total");
        let copy = first.clone();
        drop(first);
        assert!(places.take(B).await.is_none(), "a copy holds the place");
        drop(copy);
        assert!(places.take(B).await.is_some());
        drop((second, third));
        places.empty().await;
        assert!(places.addresses.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_stranger_makes_room_for_who_comes() {
        let places = places(2, 2, false);
        let known = places.take(A).await.unwrap();
        known.is_known();
        let stranger = places.take(A).await.unwrap();
        assert!(places.take(A).await.is_none());
        let told = tokio::time::timeout(Duration::from_millis(20), stranger.told_to_go()).await;
        assert!(told.is_err(), "an address that has its share sends nobody away");
        let leaving = async {
            stranger.told_to_go().await;
            drop(stranger);
        };
        let (newcomer, ()) = tokio::join!(places.take(B), leaving);
        newcomer.unwrap().is_known();
    }

    #[tokio::test]
    async fn clients_behind_a_proxy_are_counted_each() {
        let named = |address: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", address.parse().unwrap());
            headers
        };
        let proxy = IpAddr::from([127, 0, 0, 1]);
        let places = places(100, 2, true);
        let mut peers = Vec::new();
        for _ in 0..10 {
            peers.push(places.take(proxy).await.unwrap());
        }
        let held: Vec<Client> = ["203.0.113.1", "203.0.113.1", "203.0.113.2"]
            .map(|address| places.client(&peers[0], &named(address)).unwrap())
            .into();
        assert!(places.client(&peers[0], &named("203.0.113.1")).is_none());
        assert_eq!(held[2].address, B);
        // Nameless, they are the proxy.
        let nameless = [(); 2].map(|()| places.client(&peers[0], &HeaderMap::new()).unwrap());
        assert!(places.client(&peers[0], &HeaderMap::new()).is_none());
        drop((held, nameless));
        assert!(places.addresses.lock().unwrap().is_empty());

        // Somebody who is no proxy speaks for nobody.
        let direct = places.take(A).await.unwrap();
        let client = places.client(&direct, &named("203.0.113.2")).unwrap();
        assert_eq!(client.address, A);
    }

    /// T-055.
    #[tokio::test]
    async fn in_the_open_only_a_proxy_finds_a_place() {
        let mut config = Config::new("data");
        config.behind_proxy = true;
        config.proxies = vec![B];
        let here = IpAddr::from([127, 0, 0, 1]);
        let mapped = "::ffff:203.0.113.2".parse().unwrap();
        for (speaks_tls, address, served) in [
            (false, here, true),
            (false, B, true),
            (false, mapped, true),
            (false, A, false),
            // TLS is for everybody; what they say of others is believed of none but proxies.
            (true, A, true),
        ] {
            let places = Places::new(&config, speaks_tls);
            assert_eq!(places.take(address).await.is_some(), served, "{address}");
            assert_eq!(places.counts().1, u64::from(!served), "they are counted");
        }
    }

    #[tokio::test]
    async fn a_household_is_one_address() {
        let places = places(10, 1, false);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let _held = places.take(address("2001:db8:1:2::1")).await.unwrap();
        assert!(places.take(address("2001:db8:1:2:3:4:5:6")).await.is_none());
        assert!(places.take(address("2001:db8:1:3::1")).await.is_some());
        let _held = places.take(address("::ffff:203.0.113.1")).await.unwrap();
        assert!(places.take(A).await.is_none());
    }

    #[test]
    fn a_flood_is_said_now_and_then() {
        let away = TurnedAway::new("the house is full");
        let now = Instant::now();
        assert_eq!(away.note(now), Some(1), "the first at once");
        assert_eq!(away.note(now + Duration::from_secs(1)), None);
        assert_eq!(away.note(now + SAY_EVERY), Some(2), "with those before it");
        assert_eq!(away.note(now + SAY_EVERY), None);
    }
}
