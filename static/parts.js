// Loads the parts of the module that nobody needs before the first use. See "Parts" in the contract at the top of boot.js.
//
// A part has no imports but the exports of the page's instance: they share memory and table of functions, and loading a part puts its
// functions and data into the places that were kept free for them. The worker's instance never loads one.

// By the name of the entry: paths and digests of the files it takes.
const entries = new Map();
// By path: what is being put into the instance, or is in it.
const files = new Map();
let verified;
let instance;

// boot.js's `verified`, and the promise of the page's instance; the function that loads a part.
export function loader(fetchVerified, running) {
  verified = fetchVerified;
  instance = running;
  return load;
}

async function load(name) {
  await Promise.all(entries.get(name).map(([path, integrity]) => put(path, integrity)));
}

function put(path, integrity) {
  let putting = files.get(path);
  if (!putting) {
    putting = instantiate(path, integrity);
    files.set(path, putting);
    // What failed may be tried again.
    putting.catch(() => files.delete(path));
  }
  return putting;
}

async function instantiate(path, integrity) {
  const [response, exports] = await Promise.all([verified(path, integrity), instance]);
  await WebAssembly.instantiateStreaming(response, { __wasm_split: exports });
}

// What the module calls when it enters a part: `done` is the place of the function that wants to hear how it went.
function entry(name, needed) {
  entries.set(name, needed);
  return async (done, data) => {
    let loaded = true;
    try {
      await load(name);
    } catch (error) {
      console.error(error);
      loaded = false;
    }
    (await instance).__indirect_function_table.get(done)(data, loaded);
  };
}

// The build adds a line for each entry.
