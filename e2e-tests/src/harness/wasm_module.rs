//! A wasm module in a worker of an otherwise empty page: what is proven or measured of the shared crates in a browser, without relay
//! and client.
//!
//! The module is what `wasm-bindgen --target web` makes of a program whose `main` puts a function `module(name, argument)` into the
//! worker's global object. The page is isolated as the relay's pages are, so that clocks are as fine as they get.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::chrome::{Chrome, Look};
use super::page::Page;
use super::watch::Watch;

/// As the relay sends them, as far as they bear on what a worker may do and how fine its clock is.
const HEADERS: &str = "Content-Security-Policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; \
    worker-src 'self'\r\nCross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n\
    Cross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\nConnection: close\r\n";

const PAGE: &str = "<!doctype html><html lang=\"en\"><title>module</title><script type=\"module\" src=\"/page.js\"></script>";

const PAGE_SCRIPT: &str = r#"
const worker = new Worker('/worker.js', { type: 'module' });
const answers = new Map();
let broken = null, last = 0;
worker.onmessage = ({ data }) => answers.set(data.id, data);
worker.onerror = (event) => { broken = { error: event.message || 'the worker does not start' }; };
window.ask = (name, argument) => { last += 1; worker.postMessage({ id: last, name, argument }); return last; };
window.answer = (id) => answers.get(id) ?? broken;
"#;

/// `MODULE` stands for the module's name.
const WORKER_SCRIPT: &str = r#"
let module = null;
const answer = async (name, argument) => {
  if (name === 'load times') return JSON.stringify(await loadTimes(argument));
  if (module === null) {
    const { default: init } = await import('/MODULE.js');
    await init({ module_or_path: '/MODULE_bg.wasm' });
    module = globalThis.module;
  }
  return await module(name, argument);
};
// A custom section of its own makes each copy another module: the engine would hand out what it has compiled before.
const loadTimes = async (times) => {
  const whole = new Uint8Array(await (await fetch('/MODULE_bg.wasm')).arrayBuffer());
  const took = [];
  for (let n = 0; n < times; n += 1) {
    const copy = new Uint8Array(whole.length + 8);
    copy.set(whole);
    copy.set([0, 6, 1, 110, n & 255, n >> 8, 0, 0], whole.length);
    const { default: init } = await import(`/MODULE.js?${n}`);
    const begun = performance.now();
    await init({ module_or_path: copy });
    took.push((performance.now() - begun) * 1000);
  }
  return took;
};
onmessage = async ({ data: { id, name, argument } }) => {
  try { postMessage({ id, value: await answer(name, argument) }); }
  catch (error) { postMessage({ id, error: String(error?.stack ?? error) }); }
};
"#;

/// How often an answer is looked for: seldom enough not to disturb what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// What the wasm's instantiation may take altogether, on a loaded machine.
const LOADS_WITHIN: Duration = Duration::from_secs(120);

/// A module in a browser of its own.
pub struct WasmModule {
    chrome: Chrome,
    page: Page,
    server: JoinHandle<()>,
    _profile: TempDir,
}

impl WasmModule {
    /// Starts a browser on the module `name` of `folder`: `name.js` and `name_bg.wasm`.
    ///
    /// # Errors
    /// When a file is missing or the browser does not start.
    pub async fn open(folder: &Path, name: &str) -> Result<Self> {
        for file in [format!("{name}.js"), format!("{name}_bg.wasm")] {
            if !folder.join(&file).is_file() {
                bail!("there is no {file} in {}", folder.display());
            }
        }
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://localhost:{}", listener.local_addr()?.port());
        let (folder, name) = (folder.to_owned(), name.to_owned());
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (folder, name) = (folder.clone(), name.clone());
                // A request that fails shows in the page, which does not come to life.
                tokio::spawn(async move { drop(serve(stream, folder, &name).await) });
            }
        });
        let profile = tempfile::tempdir()?;
        let chrome = Chrome::launch(profile.path(), Look::default(), Arc::new(Watch::default())).await?;
        let page = chrome.first_page().await?;
        page.open(&format!("{origin}/")).await?;
        Ok(Self {
            chrome,
            page,
            server,
            _profile: profile,
        })
    }

    /// Calls the module's function with a name and an argument; what it answers, promises awaited.
    ///
    /// # Errors
    /// What the module threw, or that it did not answer in time.
    pub async fn ask(&self, name: &str, argument: &str, within: Duration) -> Result<String> {
        self.answered(name, &json!(argument), within).await
    }

    /// How long the module takes from its bytes to a running instance, `times` times, in microseconds; compiled anew each time.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn load_times(&self, times: usize) -> Result<Vec<f64>> {
        let times = self.answered("load times", &json!(times), LOADS_WITHIN).await?;
        Ok(serde_json::from_str(&times)?)
    }

    /// Ends browser and server.
    ///
    /// # Errors
    /// When the browser does not end.
    pub async fn close(self) -> Result<()> {
        self.server.abort();
        self.chrome.close().await
    }

    async fn answered(&self, name: &str, argument: &Value, within: Duration) -> Result<String> {
        let call = format!("window.ask({}, {argument})", json!(name));
        let id = self.page.evaluate(&call).await?;
        let begun = Instant::now();
        loop {
            let answer = self.page.evaluate(&format!("window.answer({id})")).await?;
            if let Some(error) = answer["error"].as_str() {
                bail!("{name}: {error}");
            }
            if !answer.is_null() {
                let value = answer["value"].as_str();
                return value
                    .map(str::to_owned)
                    .with_context(|| format!("{name} answers {answer}"));
            }
            if begun.elapsed() > within {
                bail!("{name} does not answer within {within:?}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for WasmModule {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(mut stream: TcpStream, folder: PathBuf, name: &str) -> Result<()> {
    let mut request = vec![0; 8192];
    let read = stream.read(&mut request).await?;
    let request = String::from_utf8_lossy(&request[..read]);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let script = "text/javascript";
    let found = if path == "/" {
        Some(("text/html", PAGE.into()))
    } else if path == "/page.js" {
        Some((script, PAGE_SCRIPT.into()))
    } else if path == "/worker.js" {
        Some((script, WORKER_SCRIPT.replace("MODULE", name).into_bytes()))
    } else if path == format!("/{name}.js") {
        Some((script, tokio::fs::read(folder.join(format!("{name}.js"))).await?))
    } else if path == format!("/{name}_bg.wasm") {
        Some((
            "application/wasm",
            tokio::fs::read(folder.join(format!("{name}_bg.wasm"))).await?,
        ))
    } else {
        None
    };
    let (status, (kind, body)) = match found {
        Some(found) => ("200 OK", found),
        None => ("404 Not Found", ("text/plain", Vec::new())),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\n{HEADERS}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await?;
    Ok(())
}
