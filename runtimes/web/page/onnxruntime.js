// ONNX Runtime Web: `open` gives what it tells of itself, `run` the shape of the depth that it posted.

import { adapterName, check, watch } from "/page/webgpu.js";

let ort, session;

export async function open({ backend, threads }) {
  const told = backend === "webgpu" ? { adapter: await adapterName() } : {};
  if (told.adapter === null) return told;
  ort = await import(`onnxruntime-web/${backend}`);
  ort.env.wasm.numThreads = threads;
  // Only the one that is asked for; which of them each node got is in the verbose log.
  session = await ort.InferenceSession.create("/artifact", { executionProviders: [backend], logSeverityLevel: 0 });
  if (backend === "webgpu") watch(await ort.env.webgpu.device);
  return { ...told, threads: ort.env.wasm.numThreads };
}

export async function run({ shape }) {
  const image = new Float32Array(await (await fetch("/input")).arrayBuffer());
  const { depth } = await session.run({ image: new ort.Tensor("float32", image, shape) });
  check();
  await fetch("/output", { method: "POST", body: depth.data });
  return depth.dims;
}
