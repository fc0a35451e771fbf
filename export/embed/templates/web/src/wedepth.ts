/**
 * Metric depth of images in a page.
 *
 *     import { load } from "./wedepth";
 *     import { onnx } from "./wedepth/onnx"; // or { litert } from "./wedepth/litert", for a TFLite bundle
 *     import { MODEL } from "./model";
 *
 *     const network = await load(MODEL, modelUrl, onnx, { backend: "webgpu", fallback: "wasm" });
 *     const { depth, width, height } = await network.predict(file); // metres, row by row, upright
 *     console.log(network.ran, network.instead); // where it runs; why not where it was asked to
 *
 * It works in a page and in a worker; there it does not stop the page while it computes. Everything that can be
 * expected to go wrong is a WEDepthError with one sentence for people and a `reason` for code.
 */

import { WEDepthError } from "./wedepth/errors";
import { cutOut, place, toInput, type Fit } from "./wedepth/geometry";
import { readPixels, type ImageInput } from "./wedepth/pixels";
import { readModel } from "./wedepth/source";
import { requireWebAssembly, threadsHere } from "./wedepth/support";
import type { Backend, Model, Progress, Ran, Runtime, Session, Target } from "./wedepth/types";

export { WEDepthError, type Reason } from "./wedepth/errors";
export type { Fit } from "./wedepth/geometry";
export type { ImageInput } from "./wedepth/pixels";
export type { Backend, Model, Progress, Ran, Runtime, Target } from "./wedepth/types";

export interface LoadOptions {
  /** Where to run; by default in WebAssembly, which is everywhere. */
  readonly backend?: Backend;
  /**
   * What to do where WebGPU is absent or does not take the whole model: by default `load` fails; with "wasm"
   * WebAssembly does what WebGPU cannot, and `ran` and `instead` say so.
   */
  readonly fallback?: "none" | "wasm";
  /** Threads of WebAssembly; by default at most 4 in a page that is isolated from others, else 1. */
  readonly threads?: number;
  /** Told while the model file is loading. */
  readonly onProgress?: Progress;
  /** Gives up loading. */
  readonly signal?: AbortSignal;
}

export interface Prediction {
  /** Metres, row by row, `width`×`height`; NaN where the network did not look ("crop"). */
  readonly depth: Float32Array;
  /** The image's own size, after it was turned upright. */
  readonly width: number;
  readonly height: number;
  /** How long each part took: reading and resizing the image, the network, bringing depth back. */
  readonly milliseconds: { readonly prepare: number; readonly run: number; readonly restore: number };
}

/**
 * Load a model, check that it is the one this code was generated for, and open it.
 *
 * `source` is the model file's address, or its bytes. WEDepthError where the browser or the file will not do.
 */
export async function load<T extends Target>(
  model: Model<T>,
  source: string | URL | Uint8Array,
  runtime: Runtime<T>,
  options: LoadOptions = {},
): Promise<WEDepth> {
  requireWebAssembly();
  requireFloat(model);
  const bytes = await readModel(source, model, options.onProgress ?? (() => undefined), options.signal);
  const { session, instead } = await open(bytes, model, runtime, options);
  return new WEDepth(model, session, instead);
}

/** A network that is loaded; made by `load`. */
export class WEDepth {
  constructor(
    readonly model: Model,
    private readonly session: Session,
    /** Why it does not run where it was asked to, in a sentence; null where it does. */
    readonly instead: string | null,
  ) {}

  /** Where it runs, read back. */
  get ran(): Ran {
    return this.session.ran;
  }

  /** Threads of WebAssembly. */
  get threads(): number {
    return this.session.threads;
  }

  /** The GPU in the browser's words; null in WebAssembly. */
  get adapter(): string | null {
    return this.session.adapter;
  }

  /** The library that runs it, and its version. */
  get runtime(): string {
    return this.session.runtime;
  }

  /**
   * Metric depth of an image, in its own geometry. One at a time: wait for it before the next.
   *
   * Photos are turned as their EXIF data says. Of an image with other proportions than the network's, "letterbox"
   * (default) shows it all between grey borders, "crop" its middle; depth outside of that is NaN.
   */
  async predict(image: ImageInput, { fit = "letterbox" }: { readonly fit?: Fit } = {}): Promise<Prediction> {
    const begun = performance.now();
    const pixels = await readPixels(image);
    const placement = place(pixels.width, pixels.height, this.model.width, this.model.height, fit);
    const input = toInput(pixels, placement, this.model);
    const prepared = performance.now();
    const found = await this.session.run(input);
    const ran = performance.now();
    const depth = cutOut(found, placement, this.model, pixels);
    const milliseconds = { prepare: prepared - begun, run: ran - prepared, restore: performance.now() - ran };
    return { depth, width: pixels.width, height: pixels.height, milliseconds };
  }

  /** Free its memory; it cannot be used afterwards. */
  close(): Promise<void> {
    return this.session.close();
  }
}

function requireFloat({ name, input, output }: Model): void {
  if (input.dtype !== "float32" || output.dtype !== "float32") {
    const sentence = `${name} takes or gives int8, which runtimes of pages do not: export it with --io float32.`;
    throw new WEDepthError("model-unsupported", sentence);
  }
}

async function open<T extends Target>(
  bytes: Uint8Array,
  model: Model<T>,
  runtime: Runtime<T>,
  { backend = "wasm", fallback = "none", threads = threadsHere() }: LoadOptions,
): Promise<{ session: Session; instead: string | null }> {
  const inWasm = (): Promise<Session> => runtime.open(bytes, model, { backend: "wasm", threads });
  if (backend === "wasm") return { session: await inWasm(), instead: null };
  try {
    return { session: await runtime.open(bytes, model, { backend, whole: true }), instead: null };
  } catch (error) {
    if (fallback === "none" || !(error instanceof WEDepthError)) throw error;
    if (error.reason === "partly") {
      const session = await runtime.open(bytes, model, { backend, whole: false }).catch(inWasm);
      return { session, instead: error.message };
    }
    return { session: await inWasm(), instead: error.message };
  }
}
