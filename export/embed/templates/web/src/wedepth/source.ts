/** The model's bytes: fetched with progress, and held against the hash that was generated in. */

import { told, WEDepthError } from "./errors";
import type { Model, Progress } from "./types";

/**
 * The model file, from an address or as bytes.
 *
 * WEDepthError: "model-missing" where it cannot be fetched, "model-swapped" where it is not the bundle's own file,
 * "insecure" where the page may not compute hashes.
 */
export async function readModel(
  source: string | URL | Uint8Array,
  model: Model,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = source instanceof Uint8Array ? source : await fetchModel(source, model, progress, signal);
  await check(bytes, model);
  return bytes;
}

async function fetchModel(
  address: string | URL,
  model: Model,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const body = await requestBody(address, model, signal);
  const whole = new Uint8Array(model.bytes);
  let loaded = 0;
  progress(0, model.bytes);
  try {
    for (;;) {
      const { done, value } = await body.read();
      if (done) break;
      if (loaded + value.length > whole.length) throw swapped(model, "it is larger");
      whole.set(value, loaded);
      loaded += value.length;
      progress(loaded, model.bytes);
    }
  } catch (error) {
    if (error instanceof WEDepthError) throw error;
    throw new WEDepthError("model-missing", `Loading ${model.file} broke off at ${loaded} bytes: ${told(error)}.`);
  }
  if (loaded < whole.length) throw swapped(model, `it has ${loaded} bytes instead of ${model.bytes}`);
  return whole;
}

async function requestBody(address: string | URL, model: Model, signal?: AbortSignal) {
  let answer: Response;
  try {
    answer = await fetch(address, signal ? { signal } : {});
  } catch (error) {
    throw new WEDepthError("model-missing", `${model.file} cannot be loaded: ${told(error)}.`);
  }
  if (!answer.ok || !answer.body) {
    throw new WEDepthError("model-missing", `${model.file} cannot be loaded: the server answers ${answer.status}.`);
  }
  return answer.body.getReader();
}

async function check(bytes: Uint8Array, model: Model): Promise<void> {
  if (!globalThis.crypto?.subtle) {
    throw new WEDepthError(
      "insecure",
      "The model file cannot be checked: browsers compute SHA-256 only on https or localhost.",
    );
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hash !== model.sha256) throw swapped(model, `its SHA-256 begins with ${hash.slice(0, 12)}`);
}

function swapped(model: Model, how: string): WEDepthError {
  return new WEDepthError(
    "model-swapped",
    `${model.file} is not the file that this page was made for (${model.name}): ${how}. Embed the bundle again ` +
      "(wedepth-export --embed web), or put its own file back.",
  );
}
