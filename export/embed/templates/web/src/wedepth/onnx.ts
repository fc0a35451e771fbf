/** ONNX bundles, in ONNX Runtime Web. */

import type { InferenceSession, Tensor } from "onnxruntime-common";

import { told, WEDepthError } from "./errors";
import { adapterName, DeviceWatch, requireWebGpu } from "./support";
import type { Model, Runtime, Session } from "./types";

/** Addresses of one build of ONNX Runtime Web. */
export interface OnnxBuild {
  readonly mjs: string;
  readonly wasm: string;
}

/** Addresses of its builds, one for each backend. */
export type OnnxFiles = Readonly<Record<"wasm" | "webgpu", OnnxBuild>>;

type Ort = typeof import("onnxruntime-common");

/** ONNX Runtime Web with its files in places of your own; `onnx` has them where the bundler puts them. */
export function onnxRuntime(files: () => Promise<OnnxFiles>): Runtime<"onnx"> {
  return {
    target: "onnx",
    open: async (bytes, model, plan) =>
      plan.backend === "wasm"
        ? openWasm(await files(), bytes, model, plan.threads)
        : openWebGpu(await files(), bytes, model, plan.whole),
  };
}

/** ONNX Runtime Web, as built with this project. */
export const onnx = onnxRuntime(async () => (await import("./onnx-files")).FILES);

async function openWasm(files: OnnxFiles, bytes: Uint8Array, model: Model, threads: number): Promise<Session> {
  const ort: Ort = await import("onnxruntime-web/wasm");
  ort.env.wasm.wasmPaths = files.wasm;
  ort.env.wasm.numThreads = threads;
  const session = await create(ort, bytes, model, { executionProviders: ["wasm"] });
  return {
    runtime: nameOf(ort),
    ran: "wasm",
    threads: ort.env.wasm.numThreads,
    adapter: null,
    run: (input) => run(ort, session, model, input),
    close: () => session.release(),
  };
}

async function openWebGpu(files: OnnxFiles, bytes: Uint8Array, model: Model, whole: boolean): Promise<Session> {
  const adapter = await requireWebGpu();
  const ort: Ort = await import("onnxruntime-web/webgpu");
  ort.env.wasm.wasmPaths = files.webgpu;
  const session = await create(ort, bytes, model, {
    executionProviders: ["webgpu"],
    // Without this ONNX Runtime gives operators that WebGPU does not take to WebAssembly, and says nothing.
    extra: whole ? { session: { disable_cpu_ep_fallback: "1" } } : {},
  });
  const watch = new DeviceWatch(await ort.env.webgpu.device);
  return {
    runtime: nameOf(ort),
    ran: whole ? "webgpu" : "webgpu+wasm",
    threads: ort.env.wasm.numThreads ?? 1,
    adapter: adapterName(adapter),
    run: async (input) => {
      const depth = await run(ort, session, model, input);
      watch.check();
      return depth;
    },
    close: () => session.release(),
  };
}

async function create(
  ort: Ort,
  bytes: Uint8Array,
  model: Model,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  try {
    return await ort.InferenceSession.create(bytes, { logSeverityLevel: 3, ...options });
  } catch (error) {
    if (/fallback to CPU EP has been explicitly disabled/.test(String(error))) {
      throw new WEDepthError("partly", `WebGPU does not take all of ${model.name}'s operators.`);
    }
    throw new WEDepthError("model-broken", `ONNX Runtime Web cannot open ${model.file}: ${told(error)}.`);
  }
}

async function run(ort: Ort, session: InferenceSession, model: Model, input: Float32Array): Promise<Float32Array> {
  const image: Tensor = new ort.Tensor("float32", input as Float32Array<ArrayBuffer>, model.input.shape);
  const outputs = await session.run({ [model.input.name]: image }).catch((error: unknown) => {
    throw new WEDepthError("failed", `ONNX Runtime Web failed: ${told(error)}.`);
  });
  const depth = outputs[model.output.name];
  if (!(depth?.data instanceof Float32Array)) {
    throw new WEDepthError("model-broken", `${model.file} gives no float32 output named ${model.output.name}.`);
  }
  return depth.data;
}

function nameOf(ort: Ort): string {
  return `ONNX Runtime Web ${ort.env.versions.web ?? ""}`;
}
