/** What a network costs here, in words. */

import type { Model, Prediction } from "../wedepth";
import { part } from "./dom";
import type { Loaded } from "./protocol";

const NAMES = { wasm: "WebAssembly", webgpu: "WebGPU", "webgpu+wasm": "WebGPU, partly WebAssembly" } as const;
/** Of how many of the last pictures the median is told. */
const LAST = 20;

export class Figures {
  private runs: number[] = [];

  /** Forget what was measured. */
  reset(model: Model): void {
    this.runs = [];
    part("figures", HTMLElement).dataset.pictures = "0";
    for (const id of ["ran", "ready", "first", "next"]) write(id, "–");
    write("bytes", megabytes(model.bytes));
  }

  /** A network was loaded: in what it runs, and after how long it was ready. */
  loaded({ ran, runtime, threads, adapter, milliseconds }: Loaded): void {
    const where = ran === "wasm" ? `${threads} ${threads === 1 ? "thread" : "threads"}` : adapter;
    write("ran", `${NAMES[ran]}, ${where}: ${runtime}`, ran);
    write("ready", duration(milliseconds), milliseconds);
  }

  /** A picture was predicted. */
  predicted({ milliseconds: { prepare, run, restore } }: Prediction): void {
    const whole = prepare + run + restore;
    const parts = `${duration(whole)} (network ${duration(run)})`;
    const count = this.runs.push(whole);
    part("figures", HTMLElement).dataset.pictures = String(count);
    if (count === 1) return write("first", parts, whole);
    const last = this.runs.slice(1).slice(-LAST).sort((a, b) => a - b);
    const median = last[Math.floor(last.length / 2)]!;
    const rate = median < 1000 ? `, ${(1000 / median).toFixed(1)} a second` : "";
    return write("next", `${duration(median)}${rate}`, median);
  }
}

/** Bytes as people read them. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function write(id: string, words: string, value: string | number = ""): void {
  const element = part(id, HTMLElement);
  element.textContent = words;
  element.dataset.value = String(value);
}
