/** What a model file is: a bundle's manifest in short. `src/model.ts` is generated; nothing of it is typed by hand. */
export interface Model<T extends Target = Target> {
  readonly name: string;
  /** Which runtime takes it: ONNX Runtime Web or LiteRT.js. */
  readonly target: T;
  readonly precision: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Of the network's input and output, in pixels. */
  readonly width: number;
  readonly height: number;
  /** RGB 0…255, in the order of `layout`. */
  readonly input: Ending & { readonly layout: "NCHW" | "NHWC" };
  /** Metres, one channel. */
  readonly output: Ending;
  readonly trained: boolean;
  /** What the weights are, in words. */
  readonly weights: string;
}

/** An end of the network. Pages run those of float32; LiteRT.js takes no others. */
export interface Ending {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int8";
}

export type Target = "onnx" | "tflite";

/** Where a network may be asked to run. */
export type Backend = "wasm" | "webgpu";

/** Where it did run; "webgpu+wasm" is WebGPU, with the operators that it does not take in WebAssembly. */
export type Ran = Backend | "webgpu+wasm";

/** A model that is open in a runtime. */
export interface Session {
  /** The library and its version. */
  readonly runtime: string;
  readonly ran: Ran;
  readonly threads: number;
  /** The GPU in the browser's words; null in WebAssembly. */
  readonly adapter: string | null;
  /** Depth in metres, row by row, of an input in the model's own layout. */
  run(input: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** How a runtime is to open a model. With `whole`, WebGPU takes all of it or it fails with the reason "partly". */
export type Plan =
  | { readonly backend: "wasm"; readonly threads: number }
  | { readonly backend: "webgpu"; readonly whole: boolean };

/** A library that runs models of one target in a page. */
export interface Runtime<T extends Target = Target> {
  readonly target: T;
  /** WEDepthError with "no-webgpu", "partly" or "model-broken". */
  open(bytes: Uint8Array, model: Model<T>, plan: Plan): Promise<Session>;
}

/** Bytes so far, of how many. */
export type Progress = (loaded: number, total: number) => void;
