/**
 * Keeps the page for when there is no network, and isolates it where the host does not.
 *
 * What is small is kept when the page is first opened; models and runtimes when they are first loaded, since nobody
 * needs all of them. Their names have hashes, so what is kept is never stale. A new build's worker takes over when no
 * page of the old one is open any more.
 */

export {}; // a module, with names of its own

declare const self: ServiceWorkerGlobalScope;

const KEPT = "wedepth";
/** All files of this build, filled in when it is made. */
const FILES = new Set("__WEDEPTH_FILES__".split("\n").map(address));
const LARGE = /\.(?:wasm|onnx|tflite)$/;
/** With these a page may share memory between threads. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
/** By address, when a file that was fetched is kept, or is not to be. */
const keeping = new Map<string, Promise<unknown>>();

self.addEventListener("install", (event) => event.waitUntil(keepSmall()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOld().then(() => self.clients.claim())));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(navigate(request));
  else if (FILES.has(request.url)) event.respondWith(fromKept(request, event));
  else event.respondWith(fetch(request).then(isolated));
});
self.addEventListener("message", (event) => event.waitUntil(forget(event)));

async function keepSmall(): Promise<void> {
  const cache = await caches.open(KEPT);
  const small = [...FILES].filter((file) => !LARGE.test(file));
  await cache.addAll(small.map((file) => new Request(file, { cache: "reload" })));
}

async function forgetOld(): Promise<void> {
  const cache = await caches.open(KEPT);
  const old = (await cache.keys()).filter((request) => !FILES.has(request.url));
  await Promise.all(old.map((request) => cache.delete(request)));
}

/** The page: from the network, so that a new build is seen; as it was kept where there is none. */
async function navigate(request: Request): Promise<Response> {
  try {
    return isolated(await fetch(request));
  } catch (error) {
    const kept = await caches.match(address("index.html"));
    if (!kept) throw error;
    return isolated(kept);
  }
}

async function fromKept(request: Request, event: FetchEvent): Promise<Response> {
  const cache = await caches.open(KEPT);
  const kept = await cache.match(request.url);
  if (kept) return isolated(kept);
  const answer = await fetch(request);
  if (answer.ok) {
    // A full disk is no reason not to show the page.
    const put = cache.put(request.url, answer.clone()).catch(() => undefined);
    keeping.set(request.url, put);
    event.waitUntil(put);
  }
  return isolated(answer);
}

/** Keep a file no longer, and say so when it is done: a page may know that it is wrong before all of it is kept. */
async function forget({ data, ports }: ExtendableMessageEvent): Promise<void> {
  await keeping.get(data);
  const cache = await caches.open(KEPT);
  await cache.delete(data);
  ports[0]?.postMessage("forgotten");
}

function isolated(answer: Response): Response {
  if (answer.status === 0 || answer.redirected) return answer;
  const headers = new Headers(answer.headers);
  for (const [name, value] of Object.entries(ISOLATED)) headers.set(name, value);
  const { status, statusText } = answer;
  return new Response([204, 304].includes(status) ? null : answer.body, { status, statusText, headers });
}

function address(file: string): string {
  return new URL(file, self.location.href).href;
}
