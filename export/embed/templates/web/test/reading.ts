/** What tests need in Node: the bundle's files, and its runtime with files from node_modules. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { compileFunction } from "node:vm";

import { decode } from "fast-png";

import { MODEL } from "../src/model";
import { load, type Runtime, type WEDepth } from "../src/wedepth";
import { liteRtRuntime } from "../src/wedepth/litert";
import { onnxRuntime } from "../src/wedepth/onnx";
import type { PixelData } from "../src/wedepth/pixels";
import type { Golden } from "../src/wedepth/selftest";

const HERE = process.cwd();

/** `golden/golden.json`. */
export const golden = JSON.parse(readFileSync("golden/golden.json", "utf8")) as Golden & Cases;

/** What the reference in Python worked out. */
export interface Cases {
  readonly geometry: readonly GeometryCase[];
  readonly resize: readonly ResizeCase[];
}

export interface GeometryCase {
  readonly width: number;
  readonly height: number;
  readonly fit: "letterbox" | "crop";
  readonly orientation: number;
  readonly upright: readonly [number, number];
  readonly source: readonly [number, number, number, number];
  readonly model: readonly [number, number, number, number];
}

export interface ResizeCase {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly values: readonly number[];
  readonly resized: readonly number[];
}

/** Metres of the golden image. */
export function goldenDepth(): Float32Array {
  const bytes = readFileSync("golden/depth.f32");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** The golden image's pixels, RGBA. */
export function goldenImage(): PixelData {
  const { data, width, height } = decode(readFileSync("golden/image.png"));
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) pixels.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  return { data: pixels, width, height };
}

/** The model file beside this project. */
export function modelBytes(): Uint8Array {
  return new Uint8Array(readFileSync(resolve("..", MODEL.file)));
}

/** The bundle's network, in WebAssembly. */
export function loadHere(bytes = modelBytes()): Promise<WEDepth> {
  return load(MODEL, bytes, runtimeHere(), { threads: 1 });
}

/** The runtime that takes the bundle's target. */
export function runtimeHere(): Runtime<typeof MODEL.target> {
  const runtime: Runtime = MODEL.target === ("onnx" as string) ? onnxHere() : liteRtHere();
  return runtime as Runtime<typeof MODEL.target>;
}

function onnxHere(): Runtime<"onnx"> {
  const place = (name: string): string => pathToFileURL(resolve(HERE, "node_modules/onnxruntime-web/dist", name)).href;
  const build = { mjs: place("ort-wasm-simd-threaded.mjs"), wasm: place("ort-wasm-simd-threaded.wasm") };
  return onnxRuntime(async () => ({ wasm: build, webgpu: build }));
}

/** LiteRT.js is for pages: it looks for `self`, and loads its scripts by `importScripts`. */
function liteRtHere(): Runtime<"tflite"> {
  const place = (name: string): string => resolve(HERE, "node_modules/@litertjs/core/wasm", name);
  const build = { js: place("litert_wasm_compat_internal.js"), wasm: place("litert_wasm_compat_internal.wasm") };
  const names = ["exports", "module", "require", "__filename", "__dirname"];
  const importScripts = (file: string): void => {
    const module = { exports: {} };
    const script = compileFunction(readFileSync(file, "utf8"), names, { filename: file });
    script(module.exports, module, createRequire(import.meta.url), file, dirname(file));
    Object.assign(globalThis, { ModuleFactory: module.exports });
  };
  Object.assign(globalThis, { self: globalThis, importScripts });
  return liteRtRuntime(async () => ({ compat: build, plain: build, jspi: build, threaded: build }));
}
