// LiteRT.js: `open` gives what it tells of itself, `run` the shape of the depth that it posted.

import { Tensor, loadLiteRt } from "@litertjs/core";
import { adapterName, check, watch } from "/page/webgpu.js";

let model;

export async function open({ backend, threads }) {
  const told = backend === "webgpu" ? { adapter: await adapterName() } : {};
  if (told.adapter === null) return told;
  // Threads and JSPI exclude each other; without JSPI a model that WebGPU does not take whole runs on WebAssembly alone.
  const lite = await loadLiteRt("/npm/@litertjs/core/wasm/", backend === "webgpu" ? { jspi: true } : { threads: true });
  model = await lite.loadAndCompile("/artifact", {
    accelerator: backend,
    cpuOptions: { numThreads: threads },
    gpuOptions: { precision: "fp32" },
  });
  if (backend === "webgpu") watch(lite.getWebGpuDevice());
  const { accelerator, cpuOptions } = model.options;
  return { ...told, backend: accelerator, threads: cpuOptions?.numThreads };
}

export async function run({ shape }) {
  const image = new Float32Array(await (await fetch("/input")).arrayBuffer());
  const input = new Tensor(image, shape);
  const { depth } = await model.run({ image: input });
  const values = await depth.data();
  check();
  await fetch("/output", { method: "POST", body: values });
  const dims = Array.from(depth.type.layout.dimensions);
  input.delete();
  depth.delete();
  return dims;
}
