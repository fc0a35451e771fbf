/** The network in a thread of its own, so that the page answers while it computes. */

import { RUNTIMES } from "virtual:runtimes";

import { load, WEDepthError, type WEDepth } from "../wedepth";
import { told } from "../wedepth/errors";
import type { Reply, Request } from "./protocol";

let network: WEDepth | null = null;

addEventListener("message", async ({ data }: MessageEvent<Request>) => {
  try {
    await (data.kind === "load" ? open(data) : predict(data));
  } catch (error) {
    const { reason, message } = error instanceof WEDepthError ? error : unforeseen(error);
    reply({ kind: "failed", reason, sentence: message });
  }
});

async function open({ model, url, asked }: Request & { kind: "load" }): Promise<void> {
  const begun = performance.now();
  const runtime = RUNTIMES[model.target];
  if (!runtime) throw new WEDepthError("model-unsupported", `This page has no runtime for ${model.target}.`);
  network = await load(model, url, await runtime(), {
    backend: asked === "wasm" ? "wasm" : "webgpu",
    fallback: asked === "webgpu+wasm" ? "wasm" : "none",
    onProgress: (loaded, total) => reply({ kind: "progress", loaded, total }),
  });
  const { ran, runtime: name, threads, adapter, instead } = network;
  const milliseconds = performance.now() - begun;
  reply({ kind: "loaded", value: { ran, runtime: name, threads, adapter, instead, milliseconds } });
}

async function predict({ image, fit }: Request & { kind: "predict" }): Promise<void> {
  const value = await network!.predict(image, { fit });
  reply({ kind: "predicted", value }, [value.depth.buffer]);
}

function reply(message: Reply, transfer: Transferable[] = []): void {
  postMessage(message, { transfer });
}

function unforeseen(error: unknown): WEDepthError {
  return new WEDepthError("failed", `Something went wrong that was not foreseen: ${told(error)}.`);
}
