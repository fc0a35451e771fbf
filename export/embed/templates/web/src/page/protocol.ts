/** What the page and its worker say to each other. */

import type { Backend, Fit, ImageInput, Model, Prediction, Ran, Reason } from "../wedepth";

/** Where a network is to run, as the page offers it. "webgpu+wasm" asks for the fall back to WebAssembly. */
export type Asked = Backend | "webgpu+wasm";

export type Request =
  | { readonly kind: "load"; readonly model: Model; readonly url: string; readonly asked: Asked }
  | { readonly kind: "predict"; readonly image: ImageInput; readonly fit: Fit };

/** What is told of a network that was loaded. */
export interface Loaded {
  readonly ran: Ran;
  readonly runtime: string;
  readonly threads: number;
  readonly adapter: string | null;
  readonly instead: string | null;
  readonly milliseconds: number;
}

/** What is answered to each request, by its kind. */
export interface Answers {
  readonly loaded: Loaded;
  readonly predicted: Prediction;
}

export type Reply =
  | { readonly kind: "progress"; readonly loaded: number; readonly total: number }
  | { readonly kind: "loaded"; readonly value: Loaded }
  | { readonly kind: "predicted"; readonly value: Prediction }
  | { readonly kind: "failed"; readonly reason: Reason; readonly sentence: string };
