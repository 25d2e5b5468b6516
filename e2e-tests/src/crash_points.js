// Runs in a worker before its own first instruction: every operation that the engine worker awaits, and everything that leaves it,
// becomes a point at which the worker can be stopped for good, just before it happens and just after it is done.
(() => {
  const say = BroadcastChannel.prototype.postMessage;
  const state = { stopAt: 0, counts: true, count: 0, commits: 0, names: [], armed: false };

  // A thread that waits for what never comes: nothing of it runs any more, until the browser ends the worker.
  const stop = (name) => {
    // Made here: a worker that has not begun yet must not have one.
    say.call(new BroadcastChannel("crash-points"), { name, number: state.count, commits: state.commits });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
  const point = (name) => {
    if (!state.armed) return;
    state.count += 1;
    state.names.push(name);
    if (state.count === state.stopAt) stop(name);
  };
  const around = (owner, method, name) => {
    const original = owner[method];
    owner[method] = function (...args) {
      const called = typeof name === "function" ? name(args) : name;
      point(`before ${called}`);
      const answer = original.apply(this, args);
      if (answer instanceof Promise) return answer.finally(() => point(`after ${called}`));
      point(`after ${called}`);
      return answer;
    };
  };

  // A worker that has not loaded its script yet does not know that it is in a secure context, and lacks half of this.
  const install = () => {
    for (const method of ["sign", "deriveBits", "encrypt", "decrypt", "importKey", "generateKey", "exportKey", "wrapKey", "unwrapKey"]) {
      around(SubtleCrypto.prototype, method, `crypto.${method}`);
    }
    const begin = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (stores, mode, options) {
      const name = `${mode} ${[stores].flat().join("+")}`;
      point(`before transaction ${name}`);
      const transaction = begin.call(this, stores, mode, options);
      transaction.addEventListener("complete", () => {
        if (mode === "readwrite" && state.counts) state.commits += 1;
        point(`after commit ${name}`);
      });
      transaction.chopar = name;
      return transaction;
    };
    const commit = IDBTransaction.prototype.commit;
    IDBTransaction.prototype.commit = function () {
      point(`before commit ${this.chopar}`);
      commit.call(this);
    };
    for (const method of ["put", "delete"]) around(IDBObjectStore.prototype, method, `a record's ${method}`);
    around(IDBFactory.prototype, "open", "opening the database");
    around(WebSocket.prototype, "send", "a frame to the relay");
    around(BroadcastChannel.prototype, "postMessage", "a word to other tabs");
    around(self, "postMessage", "a word to the page");
    around(LockManager.prototype, "request", "asking for the lock");
    around(StorageManager.prototype, "persisted", "asking whether storage is kept");
    const Socket = WebSocket;
    self.WebSocket = class extends Socket {
      constructor(...args) {
        super(...args);
        this.addEventListener("message", () => point("a frame from the relay"));
      }
    };
  };
  const start = WebAssembly.instantiate;
  WebAssembly.instantiate = (...words) => {
    install();
    return start.apply(WebAssembly, words);
  };

  self.crashPoints = {
    arm: (stopAt, counts = true) => Object.assign(state, { stopAt, counts, count: 0, commits: 0, names: [], armed: true }) && true,
    // What is committed from here on counts.
    countCommits: () => Object.assign(state, { counts: true }) && true,
    names: () => state.names,
  };
})();
