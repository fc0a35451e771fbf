/** Where the bundler puts ONNX Runtime Web's files: each has a hash in its name, and none comes from elsewhere. */

import wasmMjs from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import webgpuMjs from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import webgpu from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";

import type { OnnxFiles } from "./onnx";

const here = (address: string): string => new URL(address, globalThis.location.href).href;

export const FILES: OnnxFiles = {
  wasm: { mjs: here(wasmMjs), wasm: here(wasm) },
  webgpu: { mjs: here(webgpuMjs), wasm: here(webgpu) },
};
