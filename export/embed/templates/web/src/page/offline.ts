/** The service worker: the page without a network, and threads where the host does not isolate pages. */

const RELOADED = "wedepth-reloaded";
/** How long to wait for it, in milliseconds: the page does without it, too. */
const PATIENCE = 5000;

/** Have the service worker in charge before anything large is loaded, so that it is kept. */
export async function takeCharge(): Promise<void> {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("./sw.js");
  } catch {
    return; // a browser that keeps nothing (in private windows, say)
  }
  await Promise.race([controlled(), patience()]);
  // Headers that isolate the page count from the next time on that it is opened.
  if (navigator.serviceWorker.controller && !crossOriginIsolated && !sessionStorage.getItem(RELOADED)) {
    sessionStorage.setItem(RELOADED, "yes");
    location.reload();
    await new Promise(() => undefined);
  }
}

/** Whether a file is kept for when there is no network. */
export async function isKept(address: string): Promise<boolean> {
  if (!("caches" in globalThis)) return false;
  return (await caches.match(new URL(address, location.href))) !== undefined;
}

/** Have a file kept no longer: it is not the right one. */
export async function forget(address: string): Promise<void> {
  const worker = navigator.serviceWorker?.controller;
  if (!worker) return;
  const { port1, port2 } = new MessageChannel();
  const forgotten = new Promise((resolve) => (port1.onmessage = resolve));
  worker.postMessage(new URL(address, location.href).href, [port2]);
  await Promise.race([forgotten, patience()]);
}

function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PATIENCE));
}

async function controlled(): Promise<void> {
  if (navigator.serviceWorker.controller) return;
  await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
}
