//! The harness against a page of its own: what it claims to see, it sees. Without this, a clean run could mean a blind one.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{
    Chrome, Key, Look, Patience, Sought, Watch, button, eventually, item, labelled, list, status, textbox,
};
use chopar_e2e::hunt::Marker;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PAGE: &str = r##"<!doctype html><html lang="en"><head><title>t</title><script src="/page.js" defer></script></head><body>
<ul aria-label="Conversations"><li aria-label="Malika, hello, 10:00">x</li><li aria-hidden="true" aria-label="Ghost">x</li><li><a href="/c/2">Rustam</a></li></ul>
<form id="f"><label>Handle <input id="h"></label><button type="submit" disabled>Create account</button></form>
<output aria-label="Recovery key">AAAA BBBB</output><p role="status" aria-label="Connection" id="c"></p>
<div hidden><button>Hidden</button></div></body></html>"##;

const SCRIPT: &str = r#"
const h = document.getElementById("h"), f = document.getElementById("f"), c = document.getElementById("c");
h.addEventListener("input", () => { f.querySelector("button").disabled = h.value === ""; });
f.addEventListener("submit", (e) => { e.preventDefault(); c.textContent = `${h.value} ${e.isTrusted}`; });
const worker = new Worker("/worker.js", { type: "module" });
worker.onmessage = (e) => { document.title = e.data; };
"#;

const WORKER: &str = r#"
const open = () => {
  const socket = new WebSocket(`ws://${location.host}/socket`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { socket.send(new TextEncoder().encode("from the worker")); postMessage("open"); };
};
open();
onmessage = () => {
  const socket = new WebSocket(`ws://${location.host}/socket`);
  socket.onopen = () => postMessage("came");
  socket.onerror = () => postMessage("refused");
};
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_harness_claims_to_see_it_sees() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://localhost:{}", listener.local_addr()?.port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move { drop(serve(stream).await) });
        }
    });
    let folder = tempfile::tempdir()?;
    let watch = Arc::new(Watch::default());
    let look = Look {
        language: "uz".to_owned(),
        ..Look::default()
    };
    let chrome = Chrome::launch(folder.path(), look, Arc::clone(&watch)).await?;
    let page = chrome.first_page().await?;
    page.open(&format!("{origin}/")).await?;

    // Language and finding: what is hidden from assistive technology is hidden from the tests.
    assert_eq!(page.evaluate("navigator.languages[0]").await?, "uz");
    assert!(page.has(&item("Malika").within(list("Conversations"))).await?);
    assert!(page.has(&item("Rustam").within(list("Conversations"))).await?);
    assert!(!page.has(&item("Ghost")).await?);
    assert!(!page.has(&button("Hidden")).await?);
    assert_eq!(page.text(&labelled("Recovery key")).await?, "AAAA BBBB");
    assert!(page.all(&Sought::any(&["listitem"])).await?.len() == 2);

    // Typing and pressing are a person's: trusted events, and a disabled button is waited for.
    page.fill(&textbox("Handle"), "malika").await?;
    page.click(&button("Create account")).await?;
    page.until_says(&status("Connection"), "malika true", Patience::SOON)
        .await?;
    page.fill(&textbox("Handle"), "rustam").await?;
    page.press(Key::Enter).await?;
    page.until_says(&status("Connection"), "rustam true", Patience::SOON)
        .await?;

    // Frames of a socket that lives in a worker.
    eventually("the worker's frame", Patience::SOON, || async {
        let frames = watch.frames();
        let there = |sent: bool, text: &[u8]| frames.iter().any(|f| f.sent == sent && f.bytes == text);
        Ok((there(true, b"from the worker") && there(false, b"from the server")).then_some(()))
    })
    .await?;
    assert_eq!(watch.violations(), Vec::<String>::new());
    assert_eq!(watch.errors(), Vec::<String>::new());
    assert_eq!(watch.foreign_requests(&origin), Vec::<String>::new());

    // Without a network neither page nor worker gets a new connection. (A socket that is open stays open: that is what
    // `HostileProxy::cut` is for.)
    chrome.set_offline(true).await?;
    assert_eq!(page.evaluate("navigator.onLine").await?, false);
    assert_eq!(
        page.evaluate("fetch('/').then(() => 'came', () => 'refused')")
            .await?,
        "refused"
    );
    let ask = "new Promise((done) => { worker.onmessage = (e) => done(e.data); worker.postMessage(0); })";
    assert_eq!(page.evaluate(ask).await?, "refused");
    chrome.set_offline(false).await?;
    assert_eq!(page.evaluate(ask).await?, "came");

    // Every kind of fault that the end of a test asks about.
    page.evaluate(
        "document.body.appendChild(Object.assign(document.createElement('script'), { textContent: '1' })), 0",
    )
    .await?;
    page.evaluate("(() => { const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; })()")
        .await?;
    page.evaluate("setTimeout(() => { throw new Error('uncaught') }), console.error('logged'), 0")
        .await?;
    eventually("violations and errors to be seen", Patience::SOON, || async {
        let errors = watch.errors();
        let both = ["uncaught", "logged"]
            .iter()
            .all(|word| errors.iter().any(|line| line.contains(word)));
        Ok((both && !watch.violations().is_empty()).then_some(()))
    })
    .await?;
    ensure!(
        watch.violations().len() >= 2,
        "inline script and foreign image: {:?}",
        watch.violations()
    );

    // What a page stores is found again in the profile: the search for traces is not blind either.
    let text = "чойхонада-учрашамиз-4711";
    let store = format!(
        "new Promise((done, fail) => {{ const r = indexedDB.open('control', 1);
          r.onupgradeneeded = () => r.result.createObjectStore('s');
          r.onsuccess = () => {{ const t = r.result.transaction('s', 'readwrite', {{ durability: 'strict' }});
            t.objectStore('s').put({{ text: '{text}' }}, 1); t.oncomplete = () => done(true); t.onerror = fail; }}; }})"
    );
    page.evaluate(&store).await?;
    chrome.close().await?;
    let traces = Marker::new(text)?.traces_below(folder.path())?;
    ensure!(
        !traces.is_empty(),
        "a text in IndexedDB leaves a trace in the profile"
    );
    Ok(())
}

async fn serve(mut stream: TcpStream) -> Result<()> {
    let mut head = vec![0; 16 * 1024];
    let read = stream.peek(&mut head).await?;
    let text = String::from_utf8_lossy(&head[..read]).into_owned();
    let path = text
        .split_ascii_whitespace()
        .nth(1)
        .context("no path")?
        .to_owned();
    if path == "/socket" {
        let mut socket = tokio_tungstenite::accept_async(stream).await?;
        while let Some(message) = socket.next().await {
            if message?.is_binary() {
                socket
                    .send(tokio_tungstenite::tungstenite::Message::binary(
                        b"from the server".to_vec(),
                    ))
                    .await?;
            }
        }
        return Ok(());
    }
    stream.read_exact(&mut vec![0; read]).await?;
    let (kind, body) = match path.as_str() {
        "/page.js" => ("text/javascript", SCRIPT),
        "/worker.js" => ("text/javascript", WORKER),
        _ => ("text/html; charset=utf-8", PAGE),
    };
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\
         Content-Security-Policy: default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(())
}
