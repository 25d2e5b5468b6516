//! Nobody but the two can read it: not in the relay's files and log, not on the wire, not in the browser's storage.
//!
//! Every search has a counterpart that must find something in the same place, so that it cannot pass by looking past it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chopar_e2e::harness::{Organisation, Person, Stage, textbox};
use chopar_e2e::hunt::{Marker, Trace};

/// Texts that are said; Latin, Cyrillic, and one in a draft only.
const SAID: [&str; 3] = [
    "chegara-kechuvi-7f3a91",
    "сирли-учрашув-вақти-5521",
    "va-javob-9c04d2",
];
const DRAFTED: &str = "yuborilmagan-qoralama-3b7e";

/// Reads every record of every database of the page's origin; keys of WebCrypto are tried to be taken out.
const DUMP: &str = r"(async () => {
  const out = { pieces: [], records: 0, keys: 0, exported: [] };
  const base64 = (bytes) => { let s = ''; for (const b of bytes) s += String.fromCharCode(b); return btoa(s); };
  const walk = async (value) => {
    if (value instanceof CryptoKey) {
      if (value.type === 'public') return;
      out.keys += 1;
      if (value.extractable) out.exported.push(`${value.algorithm.name} is extractable`);
      for (const format of ['raw', 'pkcs8', 'jwk', 'raw-secret', 'raw-seed']) {
        await crypto.subtle.exportKey(format, value).then(
          () => out.exported.push(`${value.algorithm.name} as ${format}`), () => {});
      }
    } else if (typeof value === 'string') {
      out.pieces.push(base64(new TextEncoder().encode(value)));
    } else if (value instanceof ArrayBuffer) {
      out.pieces.push(base64(new Uint8Array(value)));
    } else if (ArrayBuffer.isView(value)) {
      out.pieces.push(base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
    } else if (value instanceof Blob) {
      out.pieces.push(base64(new Uint8Array(await value.arrayBuffer())));
    } else if (Array.isArray(value)) {
      for (const part of value) await walk(part);
    } else if (value && typeof value === 'object') {
      for (const [key, part] of Object.entries(value)) { await walk(key); await walk(part); }
    }
  };
  const done = (request) => new Promise((ok, no) => { request.onsuccess = () => ok(request.result); request.onerror = () => no(request.error); });
  for (const { name } of await indexedDB.databases()) {
    await walk(name);
    const database = await done(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      await walk(store);
      const reading = database.transaction(store).objectStore(store);
      const [values, keys] = await Promise.all([done(reading.getAll()), done(reading.getAllKeys())]);
      out.records += values.length;
      for (const value of [...values, ...keys]) await walk(value);
    }
    database.close();
  }
  for (const storage of [localStorage, sessionStorage]) {
    for (const [key, value] of Object.entries(storage)) { await walk(key); await walk(value); }
  }
  return out;
})()";

/// Notes every private or secret key that WebCrypto hands to the engine, and tries to take its bytes out. A worker has its
/// WebCrypto only once its script has come, so that this begins with the engine's start.
const NOTE_KEYS: &str = r"(() => {
  const start = WebAssembly.instantiate;
  WebAssembly.instantiate = (...words) => {
    install();
    return start.apply(WebAssembly, words);
  };
  function install() {
    const subtle = SubtleCrypto.prototype;
    self.keysSeen = [];
    const note = async (by, key) => {
      let out = false;
      for (const format of ['raw', 'pkcs8', 'jwk']) {
        out ||= await crypto.subtle.exportKey(format, key).then(() => true, () => false);
      }
      self.keysSeen.push({ by, type: key.type, algorithm: key.algorithm.name, out });
    };
    for (const by of ['generateKey', 'importKey', 'unwrapKey', 'deriveKey']) {
      const plain = subtle[by];
      subtle[by] = async function (...words) {
        const made = await plain.apply(this, words);
        for (const key of made instanceof CryptoKey ? [made] : [made.privateKey]) {
          if (key.type !== 'public') await note(by, key);
        }
        return made;
      };
    }
  }
})()";

/// P-112, T-013, T-014.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_plaintext_outside_the_two_pages() -> Result<()> {
    Stage::play("blindness", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let mut organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let mut member = organisation.member(&owner, "Bek Tursunov", "bek").await?;

    owner.start_chat("bek").await?;
    owner.say(SAID[0]).await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees(SAID[0]).await?;
    owner.say(SAID[1]).await?;
    member.until_sees(SAID[1]).await?;
    member.say(SAID[2]).await?;
    owner.until_sees(SAID[2]).await?;
    owner.until_state(SAID[1], "Read").await?;
    owner.page().fill(&textbox("Message"), DRAFTED).await?;

    // The last words lie in the relay's queue while its files are searched.
    member.leave().await?;
    owner.say(SAID[0]).await?;
    owner.page().fill(&textbox("Message"), DRAFTED).await?;
    // Drafts are kept with a little delay.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;

    let markers: Vec<Marker> = SAID
        .iter()
        .copied()
        .chain([DRAFTED])
        .map(Marker::new)
        .collect::<Result<_>>()?;
    relay_is_blind(&mut organisation, &markers).await?;
    the_wire_is_blind(&[&owner, &member], &markers)?;

    owner.chrome().before_workers(NOTE_KEYS);
    owner.open("/").await?;
    owner.open_chat("Bek Tursunov").await?;
    owner.until_connection("Online").await?;
    keys_stay_in_the_browser(&owner).await?;
    storage_is_blind(&owner, &markers).await?;
    owner.leave().await?;
    for person in [&owner, &member] {
        profile_is_blind(person.profile(), &markers)?;
    }

    // All the same it is all there for the two.
    member.come_back("/").await?;
    member.open_chat("Dilnoza Karimova").await?;
    for text in SAID {
        member.until_sees(text).await?;
    }
    ensure!(member.count(SAID[0]).await? == 2, "the queued one has come");
    Ok(())
}

/// Database, write-ahead log and everything the relay printed; killed first, so that nothing is tidied away.
async fn relay_is_blind(organisation: &mut Organisation, markers: &[Marker]) -> Result<()> {
    organisation.kill_relay().await?;
    let data = organisation.relay_data().to_owned();
    let known = Marker::new("Dilnoza Karimova")?.traces_below(&data)?;
    ensure!(
        !known.is_empty(),
        "the directory holds display names, and the search does not find one"
    );
    let wal = std::fs::read_dir(&data)?.flatten().any(|file| {
        file.file_name().to_string_lossy().ends_with("-wal")
            && file.metadata().is_ok_and(|facts| facts.len() > 0)
    });
    ensure!(wal, "there is no write-ahead log to search in {}", data.display());
    for marker in markers {
        nothing(marker.traces_below(&data)?, "the relay's files")?;
    }

    let log = tokio::fs::read(organisation.relay_log()).await?;
    ensure!(
        log.len() > 100,
        "the relay has printed nothing that could be searched"
    );
    let names = ["Dilnoza Karimova", "Bek Tursunov"]
        .map(Marker::new)
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    for marker in markers.iter().chain(&names) {
        nothing(marker.traces(&log, "the relay's log"), "the relay's log")?;
    }
    organisation.restart_relay().await
}

fn the_wire_is_blind(people: &[&Person], markers: &[Marker]) -> Result<()> {
    for person in people {
        let frames = person.watch().frames();
        let (sent, received): (Vec<_>, Vec<_>) = frames.iter().partition(|frame| frame.sent);
        ensure!(
            sent.len() >= 5 && received.len() >= 5,
            "{}: too few frames were captured",
            person.name
        );
        let all: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame.bytes.iter().copied())
            .collect();
        // Registration says the display name; so the capture holds what really went over the wire.
        let known = Marker::new(&person.name)?.traces(&all, "frames");
        ensure!(
            !known.is_empty(),
            "{}: not even the registered name is in the captured frames",
            person.name
        );
        for marker in markers {
            nothing(
                marker.traces(&all, &format!("{}'s WebSocket frames", person.name)),
                "the wire",
            )?;
        }
    }
    Ok(())
}

/// The keys the engine works with once it is signed in: both of the device's identity keys among them.
async fn keys_stay_in_the_browser(person: &Person) -> Result<()> {
    let workers = person.chrome().in_workers("self.keysSeen").await?;
    let keys: Vec<_> = workers
        .iter()
        .filter_map(serde_json::Value::as_array)
        .flatten()
        .collect();
    for algorithm in ["Ed25519", "X25519"] {
        ensure!(
            keys.iter()
                .any(|key| key["type"] == "private" && key["algorithm"] == algorithm),
            "no private {algorithm} key was seen: {workers:?}"
        );
    }
    ensure!(
        keys.iter().all(|key| key["out"] == false),
        "a key gives its bytes away: {keys:?}"
    );
    Ok(())
}

async fn storage_is_blind(person: &Person, markers: &[Marker]) -> Result<()> {
    let control = "control-record-b19f77";
    person
        .page()
        .evaluate(&format!("localStorage.setItem('control', '{control}')"))
        .await?;
    let dump = person.page().evaluate(DUMP).await?;
    person
        .page()
        .evaluate("localStorage.removeItem('control')")
        .await?;

    let mut pieces = Vec::new();
    for piece in dump["pieces"].as_array().context("no dump")? {
        pieces.push(BASE64_STANDARD.decode(piece.as_str().unwrap_or_default())?);
    }
    let records = dump["records"].as_u64().unwrap_or_default();
    ensure!(records >= 10, "only {records} records were read");
    let control = Marker::new(control)?;
    ensure!(
        pieces.iter().any(|piece| !control.traces(piece, "").is_empty()),
        "the dump misses what is there"
    );

    // In storage not even names and handles are readable: record keys are blinded, records sealed.
    let names = ["Dilnoza Karimova", "Bek Tursunov"]
        .map(Marker::new)
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    for marker in markers.iter().chain(&names) {
        for piece in &pieces {
            nothing(marker.traces(piece, "IndexedDB"), "the browser's storage")?;
        }
    }
    ensure!(
        dump["keys"].as_u64() >= Some(1),
        "no WebCrypto key protects the storage"
    );
    let exported = dump["exported"].as_array().context("no answer about keys")?;
    ensure!(exported.is_empty(), "keys can be taken out: {exported:?}");
    Ok(())
}

fn profile_is_blind(profile: &Path, markers: &[Marker]) -> Result<()> {
    for marker in markers {
        nothing(marker.traces_below(profile)?, "the profile folder")?;
    }
    Ok(())
}

fn nothing(traces: Vec<Trace>, place: &str) -> Result<()> {
    ensure!(traces.is_empty(), "{place} can be read: {traces:#?}");
    Ok(())
}
