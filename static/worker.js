// Starts the engine's wasm inside its dedicated worker. See the contract at the top of boot.js.
import init from "@{chopar-worker.js}";

// Messages that come before the engine listens wait here; they are handed over in the order in which they came.
const early = [];
const keep = (event) => early.push(event);
self.addEventListener("message", keep);

// A worker cannot be covered with a text of its own: the page hears of a failed start as this worker's `error` event.
function fail(key, cause) {
  console.error(cause);
  setTimeout(() => {
    throw new Error(key);
  });
}

try {
  const response = await fetch("@{chopar-worker.wasm}", { integrity: "@{chopar-worker.wasm:integrity}" });
  if (!response.ok) throw new TypeError(`status ${response.status}`);
  try {
    await init({ module_or_path: response });
    self.removeEventListener("message", keep);
    for (const { data, ports } of early.splice(0)) {
      self.dispatchEvent(new MessageEvent("message", { data, ports: [...ports] }));
    }
  } catch (cause) {
    fail(cause instanceof WebAssembly.CompileError ? "old" : "crashed", cause);
  }
} catch (cause) {
  // boot.js has compared these bytes a moment ago; what is left is a network that went away in between.
  fail("unreachable", cause);
}
