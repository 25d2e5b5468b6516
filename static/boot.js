// Chopar's first script: the only code that runs before the wasm module does.
//
// THE CONTRACT between the page, this file, the UI and the engine worker
// ============================================================================
// Module     Package `web-client` is one binary, `chopar-web`, built with wasm-bindgen's `web` target. `main()` runs twice: here it is the
//            UI, in static/worker.js it is the engine; it tells the two apart by the global object.
// Names      Where index.html, this folder's scripts or the web manifest say at-sign{file}, the build writes the file's final path
//            ("/icons-1f3a….svg", immutable); at-sign{file:integrity} is its sha384; at-sign{build} names the whole client.
// Page       <div id="app">   empty; the UI mounts here (`leptos::mount::mount_to`), nowhere else.
//            <div id="boot">  what is shown before the UI lives; hidden by this file once `main()` of the UI has returned. Its last
//                             lines show themselves after a while if not even this file could be run.
//            <meta name="chopar-worker" content="…">  the worker's path. The UI starts the engine with
//                             new Worker(path, { type: "module", name: "chopar-engine" })
//            <meta name="chopar-icons" content="…">   the icon sprite: <use href="{path}#{icon}">.
//            <meta name="chopar-build" content="…">   hex digest of every file of the client, for "about".
// Worker     The first message is the UI's own compiled WebAssembly.Module, which static/worker.js runs. It keeps messages that arrive
//            before the engine listens and hands them over afterwards, in order, so the UI may post at once. In the worker `main()`
//            must install its `message` listener before it returns. If the engine cannot start, the Worker object gets an `error`
//            event whose message is one of the keys in TEXTS below.
// Texts      One file a language (static/locales/*.json become locales/<tag>.txt, see web-client/build/catalogue.rs). This file chooses
//            the language, says it in <html lang> and loads its catalogue beside the wasm: chopar.firstCatalogue() is that text.
//            chopar.catalogue(tag) fetches another one; its promise fails with an error whose `key` is one of the TEXTS.
// Parts      Pages that nobody needs before the first use are parts of the module (web-client/src/pages/parts.rs), loaded when they are first
//            shown. parts.js holds their paths and digests. chopar.part(name) loads one into the UI's instance; its promise fails as that
//            of a catalogue does, and it may be called again.
// Storage    localStorage "chopar.language": en, uz, uz-Cyrl or ru; "chopar.theme": light or dark (absent: the system's). The UI
//            writes them; this file reads them so that <html lang> and <html data-theme> are right before the UI is there.
// Failure    window.dispatchEvent(new CustomEvent("chopar:fatal", { detail: key })) covers the page with one of the TEXTS and a
//            button to load again; for panic hooks, where the UI itself cannot be trusted any more.
// Trusted    The `default` policy below admits the markup of Leptos' templates (elements and attributes listed here) and the paths
// Types      of the worker and the service worker. Anything else throws: add what a new screen needs to the lists.

const TEXTS = {
  en: {
    loading: "Loading…",
    altered: "The app was not started: what this server sent is not what was built. Tell your administrator.",
    unreachable: "The server cannot be reached. Check the connection and try again.",
    old: "This browser is too old for end-to-end encryption here. Please update it.",
    insecure: "Encryption needs a secure connection. Open this page with https.",
    crashed: "The app has stopped because of a fault of its own. Your messages are kept.",
    again: "Load again",
  },
  uz: {
    loading: "Yuklanmoqda…",
    altered: "Ilova ishga tushirilmadi: server yuborgan kod asl koddan farq qiladi. Administratorga xabar bering.",
    unreachable: "Serverga ulanib boʻlmadi. Aloqani tekshirib, qayta urinib koʻring.",
    old: "Bu brauzer uchdan-uchgacha shifrlash uchun juda eski. Iltimos, uni yangilang.",
    insecure: "Shifrlash uchun xavfsiz ulanish kerak. Sahifani https orqali oching.",
    crashed: "Ilova oʻz xatosi tufayli toʻxtadi. Xabarlaringiz saqlangan.",
    again: "Qayta yuklash",
  },
  "uz-Cyrl": {
    loading: "Юкланмоқда…",
    altered: "Илова ишга туширилмади: сервер юборган код асл коддан фарқ қилади. Администраторга хабар беринг.",
    unreachable: "Серверга уланиб бўлмади. Алоқани текшириб, қайта уриниб кўринг.",
    old: "Бу браузер учдан-учгача шифрлаш учун жуда эски. Илтимос, уни янгиланг.",
    insecure: "Шифрлаш учун хавфсиз уланиш керак. Саҳифани https орқали очинг.",
    crashed: "Илова ўз хатоси туфайли тўхтади. Хабарларингиз сақланган.",
    again: "Қайта юклаш",
  },
  ru: {
    loading: "Загрузка…",
    altered: "Приложение не запущено: сервер прислал не тот код, который был собран. Сообщите администратору.",
    unreachable: "Сервер недоступен. Проверьте соединение и попробуйте ещё раз.",
    old: "Этот браузер слишком стар для сквозного шифрования. Обновите его.",
    insecure: "Для шифрования нужно защищённое соединение. Откройте страницу по https.",
    crashed: "Приложение остановилось из-за собственной ошибки. Ваши сообщения сохранены.",
    again: "Загрузить снова",
  },
};

// What the UI says, by language: path and digest.
const CATALOGUES = {
  en: ["@{locales/en.txt}", "@{locales/en.txt:integrity}"],
  uz: ["@{locales/uz.txt}", "@{locales/uz.txt:integrity}"],
  "uz-Cyrl": ["@{locales/uz-Cyrl.txt}", "@{locales/uz-Cyrl.txt:integrity}"],
  ru: ["@{locales/ru.txt}", "@{locales/ru.txt:integrity}"],
};

// What Leptos' templates may consist of. No element here loads or runs anything by itself.
const ELEMENTS = new Set(
  ("a abbr article aside audio b bdi blockquote br button canvas code datalist dd del details dialog div dl dt em fieldset " +
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr i img input ins kbd label legend li main mark menu meter nav ol " +
    "optgroup option output p pre progress q s samp search section select small span strong sub summary sup table tbody td " +
    "textarea tfoot th thead time tr u ul var video wbr " +
    "svg g path circle rect line polyline polygon ellipse defs use symbol clippath title desc").split(" "),
);
const ATTRIBUTE = /^(?:[a-z][a-z0-9]*(?:[-:][a-z0-9]+)*|viewBox|preserveAspectRatio|clipPath)$/;
const FORBIDDEN_ATTRIBUTE = /^(?:on|srcdoc$|style$|formaction$|action$|ping$)/i;
const ADDRESS = /^(?:href|src|xlink:href|poster|cite)$/;
// A path of this server or a place on this page, written plainly.
const PLAIN_ADDRESS = /^(?:\/(?![\/\\])|#|$)[^&\\\u0000-\u0020]*$/;
// One token of markup: an empty or plain comment, an end tag, a start tag with double-quoted values, or text. A value holds no "<",
// so that no parser state (a textarea's, say) can read as a tag what was read here as a value.
// Only what HTML counts as white space counts here.
const TOKEN =
  /<!>|<!--[^<>]*-->|<\/([a-zA-Z][a-zA-Z0-9]*)>|<([a-zA-Z][a-zA-Z0-9]*)((?:[ \t\n\f\r]+[^ \t\n\f\r"'<>\/=]+(?:="[^"<]*")?)*)[ \t\n\f\r]*\/?>|[^<]+/y;
const PAIR = /([^ \t\n\f\r"'<>\/=]+)(?:="([^"<]*)")?/g;

function refusal(html) {
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < html.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(html);
    if (!token) return `markup at ${at}`;
    const name = (token[1] ?? token[2])?.toLowerCase();
    if (name !== undefined && !ELEMENTS.has(name)) return `element <${name}>`;
    for (const [, attribute, value] of (token[3] ?? "").matchAll(PAIR)) {
      if (!ATTRIBUTE.test(attribute) || FORBIDDEN_ATTRIBUTE.test(attribute)) return `attribute ${attribute}`;
      if (ADDRESS.test(attribute) && !PLAIN_ADDRESS.test(value ?? "")) return `value of ${attribute}`;
    }
  }
  return null;
}

function installPolicy(workerPath) {
  if (!("trustedTypes" in window)) return;
  const scripts = new Set([workerPath, "/sw.js"]);
  window.trustedTypes.createPolicy("default", {
    createHTML(html) {
      const why = refusal(html);
      if (why) throw new TypeError(`boot.js admits no ${why} in a template`);
      return html;
    },
    createScriptURL(address) {
      const url = new URL(address, location.origin);
      if (url.origin !== location.origin || !scripts.has(url.pathname)) throw new TypeError("boot.js admits no such script");
      return address;
    },
  });
}

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage is switched off; the checks below say so in words.
  }
}

function language() {
  for (const wanted of [stored("chopar.language"), ...(navigator.languages ?? [])]) {
    const tag = (wanted ?? "").toLowerCase();
    if (tag.startsWith("uz-cyrl")) return "uz-Cyrl";
    const short = tag.split("-")[0];
    if (short in TEXTS) return short;
  }
  return "en";
}

const chosen = language();
const texts = TEXTS[chosen];

function say(key) {
  document.getElementById("boot-text").textContent = texts[key] ?? texts.crashed;
}

function fail(key) {
  const boot = document.getElementById("boot");
  say(key);
  boot.dataset.failed = key;
  boot.setAttribute("role", "alert");
  boot.hidden = false;
  const again = document.getElementById("boot-again");
  again.textContent = texts.again;
  again.hidden = false;
  again.addEventListener("click", () => location.reload(), { once: true });
}

// What the module cannot do without; the key of the text that says so, or null.
function lacking() {
  if (!window.isSecureContext) return "insecure";
  const there =
    typeof WebAssembly === "object" &&
    typeof WebAssembly.instantiateStreaming === "function" &&
    typeof BigInt64Array === "function" &&
    typeof Worker === "function" &&
    typeof BroadcastChannel === "function" &&
    typeof structuredClone === "function" &&
    "indexedDB" in window &&
    "locks" in navigator &&
    "subtle" in crypto;
  return there ? null : "old";
}

class BootError extends Error {
  constructor(key, cause) {
    super(key, { cause });
    this.key = key;
  }
}

// A file whose bytes are those that were built. The second attempt passes over the browser's cache: what was damaged there stays
// there for a year otherwise.
async function verified(path, integrity) {
  let cause;
  for (const cache of ["default", "reload"]) {
    try {
      const response = await fetch(path, { integrity, cache });
      if (response.ok) return response;
      cause = response.status;
    } catch (error) {
      cause = error;
    }
  }
  throw await refused(path, cause);
}

// `fetch` and `import` report a wrong digest and a dead network alike. Asking once more without a digest tells the two apart, and
// renews what the cache holds; the bytes of this answer are never used.
async function refused(path, cause) {
  const response = await fetch(path, { cache: "reload" }).catch(() => null);
  return new BootError(response?.ok ? "altered" : "unreachable", cause);
}

async function catalogue(language) {
  return (await verified(...CATALOGUES[language])).text();
}

// The page's modulepreload links with `integrity` have filled the module map: this reads it, or fails with it.
async function imported(path) {
  try {
    return await import(path);
  } catch (cause) {
    throw await refused(path, cause);
  }
}

async function start(tag, language) {
  const { js, parts, wasm, wasmIntegrity, alsoVerify } = tag.dataset;
  const others = alsoVerify.trim().split(/\s+/);
  const checks = [];
  for (let i = 0; i < others.length; i += 2) {
    checks.push(verified(others[i], others[i + 1]).then((response) => response.arrayBuffer()));
  }
  // One after the other: the second imports the first, and would fail in its name.
  const scripts = async () => [await imported(parts), await imported(js)];
  const [response, first, [{ loader }, module]] = await Promise.all([
    verified(wasm, wasmIntegrity),
    catalogue(language),
    scripts(),
    ...checks,
  ]);
  const instance = module.default({ module_or_path: response });
  // `main()` runs later, once the bytes are compiled.
  window.chopar = { firstCatalogue: () => first, catalogue, part: loader(verified, instance) };
  await instance;
}

const tag = document.querySelector("script[data-wasm]");
document.getElementById("boot-late").remove();
installPolicy(document.querySelector('meta[name="chopar-worker"]').content);
document.documentElement.lang = chosen;
if (["light", "dark"].includes(stored("chopar.theme"))) document.documentElement.dataset.theme = stored("chopar.theme");
window.addEventListener("chopar:fatal", (event) => fail(event.detail));
say("loading");

const missing = lacking();
if (missing) {
  fail(missing);
} else {
  try {
    await start(tag, chosen);
    document.getElementById("boot").hidden = true;
  } catch (error) {
    console.error(error);
    fail(error instanceof BootError ? error.key : error instanceof WebAssembly.CompileError ? "old" : "crashed");
  }
}
