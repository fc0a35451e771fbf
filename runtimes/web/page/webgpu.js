// What both runtimes need of WebGPU: an adapter that is there, and errors of a device, which are not thrown.

const errors = [];

/** The adapter's own words on what it is; null where the browser has none. */
export async function adapterName() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return null;
  const { vendor, architecture, description } = adapter.info;
  return [vendor, architecture, description].filter(Boolean).join(" ");
}

/** Collect what goes wrong on a device: WebGPU goes on with buffers that were never written. */
export function watch(device) {
  device.addEventListener("uncapturederror", (event) => errors.push(event.error.message));
  device.lost.then((loss) => errors.push(`the device was lost: ${loss.message}`));
}

/** Throw the first of what went wrong. */
export function check() {
  if (errors.length) throw new Error(`WebGPU: ${errors[0].split("\n")[0]}`);
}
