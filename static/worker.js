// Runs the engine inside its dedicated worker. See the contract at the top of boot.js.
//
// The wasm itself comes from the page, compiled: nothing is loaded or compiled twice, and what runs here is what boot.js has compared. It is
// @{chopar-web.wasm:integrity}
// which stands here because tabs tell builds apart by this file's name, and that is made from its content.

// Messages that come before the engine listens wait here; they are handed over in the order in which they came.
const early = [];
let begin;
const module = new Promise((resolve) => {
  begin = resolve;
});
const keep = (event) => {
  if (event.data instanceof WebAssembly.Module) begin(event.data);
  else early.push(event);
};
self.addEventListener("message", keep);
self.addEventListener("messageerror", (event) => fail("old", event.type));

// A worker cannot be covered with a text of its own: the page hears of a failed start as this worker's `error` event.
function fail(key, cause) {
  console.error(cause);
  setTimeout(() => {
    throw new Error(key);
  });
}

try {
  const { default: init } = await import("@{chopar-web.js}");
  try {
    await init({ module_or_path: await module });
    self.removeEventListener("message", keep);
    for (const { data, ports } of early.splice(0)) {
      self.dispatchEvent(new MessageEvent("message", { data, ports: [...ports] }));
    }
  } catch (cause) {
    fail("crashed", cause);
  }
} catch (cause) {
  // boot.js has compared these bytes a moment ago; what is left is a network that went away in between.
  fail("unreachable", cause);
}
