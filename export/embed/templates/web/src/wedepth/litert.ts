/** TFLite bundles, in LiteRT.js. */

import { loadLiteRt, supportsFeature, Tensor, unloadLiteRt } from "@litertjs/core";
import type { CompiledModel, LiteRt } from "@litertjs/core";
import { version } from "@litertjs/core/package.json";

import { told, WEDepthError } from "./errors";
import { useLoader } from "./litert-loader";
import { adapterName, DeviceWatch, requireWebGpu } from "./support";
import type { Model, Runtime, Session } from "./types";

/** Addresses of one build of LiteRT.js. */
export interface LiteRtBuild {
  readonly js: string;
  readonly wasm: string;
}

/** Its builds: for browsers without relaxed SIMD, plain, for WebGPU and WebAssembly in turns, with threads. */
export type LiteRtFiles = Readonly<Record<"compat" | "plain" | "jspi" | "threaded", LiteRtBuild>>;

const NAME = `LiteRT.js ${version}`;

/** LiteRT.js with its files in places of your own; `litert` has them where the bundler puts them. */
export function liteRtRuntime(files: () => Promise<LiteRtFiles>): Runtime<"tflite"> {
  return {
    target: "tflite",
    open: async (bytes, model, plan) => {
      if (plan.backend === "wasm") return openWasm(await files(), bytes, model, plan.threads);
      return openWebGpu(await files(), bytes, model, plan.whole);
    },
  };
}

/** LiteRT.js, as built with this project. */
export const litert = liteRtRuntime(async () => (await import("./litert-files")).FILES);

async function openWasm(files: LiteRtFiles, bytes: Uint8Array, model: Model, threads: number): Promise<Session> {
  const relaxed = await supportsFeature("relaxedSimd");
  const build = !relaxed ? "compat" : threads > 1 && (await supportsFeature("threads")) ? "threaded" : "plain";
  const numThreads = build === "threaded" ? threads : 1;
  const lite = await start(files[build]);
  const compiled = await compile(lite, bytes, model, { accelerator: "wasm", cpuOptions: { numThreads } });
  return {
    runtime: NAME,
    ran: "wasm",
    threads: numThreads,
    adapter: null,
    run: (input) => run(compiled, model, input),
    close: () => close(compiled),
  };
}

async function openWebGpu(files: LiteRtFiles, bytes: Uint8Array, model: Model, whole: boolean): Promise<Session> {
  const adapter = await requireWebGpu();
  const jspi = (await supportsFeature("relaxedSimd")) && (await supportsFeature("jspi"));
  const lite = await start(files[jspi ? "jspi" : "compat"]);
  const compiled = await compile(lite, bytes, model, { accelerator: "webgpu", gpuOptions: { precision: "fp32" } });
  const fellBack = compiled.options.accelerator !== "webgpu";
  if (fellBack || (whole && !compiled.isFullyAccelerated)) {
    await close(compiled);
    throw new WEDepthError("partly", `WebGPU does not take all of ${model.name}'s operators.`);
  }
  const device = lite.getWebGpuDevice();
  const watch = device ? new DeviceWatch(device) : null;
  return {
    runtime: NAME,
    ran: compiled.isFullyAccelerated ? "webgpu" : "webgpu+wasm",
    threads: 1,
    adapter: adapterName(adapter),
    run: async (input) => {
      const depth = await run(compiled, model, input);
      watch?.check();
      return depth;
    },
    close: () => close(compiled),
  };
}

async function start(build: LiteRtBuild): Promise<LiteRt> {
  try {
    return await useLoader(build, () => loadLiteRt(build.js));
  } catch (error) {
    throw new WEDepthError("failed", `LiteRT.js does not start: ${told(error)}.`);
  }
}

async function compile(
  lite: LiteRt,
  bytes: Uint8Array,
  model: Model,
  options: Parameters<LiteRt["loadAndCompile"]>[1],
): Promise<CompiledModel> {
  try {
    return await lite.loadAndCompile(bytes, options);
  } catch (error) {
    unloadLiteRt();
    if (options?.accelerator === "webgpu") throw new WEDepthError("partly", `WebGPU does not take ${model.name}.`);
    throw new WEDepthError("model-broken", `LiteRT.js cannot open ${model.file}: ${told(error)}.`);
  }
}

async function run(compiled: CompiledModel, model: Model, input: Float32Array): Promise<Float32Array> {
  const image = new Tensor(input, [...model.input.shape]);
  try {
    const outputs = await compiled.run({ [model.input.name]: image });
    const depth = outputs[model.output.name];
    if (!depth) throw new WEDepthError("model-broken", `${model.file} has no output named ${model.output.name}.`);
    const values = await depth.data();
    for (const tensor of Object.values(outputs)) tensor.delete();
    return values as Float32Array;
  } catch (error) {
    if (error instanceof WEDepthError) throw error;
    throw new WEDepthError("failed", `LiteRT.js failed: ${told(error)}.`);
  } finally {
    image.delete();
  }
}

async function close(compiled: CompiledModel): Promise<void> {
  compiled.delete();
  unloadLiteRt();
}
