/** What a browser has to have, each told in a sentence where it is absent. */

import { WEDepthError } from "./errors";

/** The smallest module with a SIMD instruction. */
const SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
);
/** More threads than this gain nothing on phones, whose other cores are slow. */
const MOST_THREADS = 4;

/** WEDepthError where there is no WebAssembly, or none with SIMD: neither runtime has a build for such browsers. */
export function requireWebAssembly(): void {
  if (typeof WebAssembly === "undefined") {
    throw new WEDepthError("no-simd", "This browser has no WebAssembly, or it is switched off; the network needs it.");
  }
  if (!WebAssembly.validate(SIMD)) {
    throw new WEDepthError(
      "no-simd",
      "This browser's WebAssembly has no SIMD, which the network needs; Chrome and Edge have it since version 91, " +
        "Firefox since 89, Safari since 16.4.",
    );
  }
}

/** A WebGPU adapter; WEDepthError where there is none. */
export async function requireWebGpu(): Promise<GPUAdapter> {
  const gpu = globalThis.navigator?.gpu as GPU | undefined;
  if (!gpu) throw new WEDepthError("no-webgpu", "This browser has no WebGPU.");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new WEDepthError("no-webgpu", "This browser knows WebGPU, but finds no graphics processor for it here.");
  }
  return adapter;
}

/** The adapter in its own words. */
export function adapterName(adapter: GPUAdapter): string {
  const { vendor, architecture, description } = adapter.info;
  return [vendor, architecture, description].filter(Boolean).join(" ") || "unnamed";
}

/** How many threads WebAssembly may have here: one where the page is not isolated from others (COOP and COEP). */
export function threadsHere(): number {
  const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
  return globalThis.crossOriginIsolated ? Math.max(1, Math.min(MOST_THREADS, cores)) : 1;
}

/** Collects what goes wrong on a WebGPU device, which throws nothing: depth would be of what was never written. */
export class DeviceWatch {
  private first: string | null = null;

  constructor(device: GPUDevice) {
    device.addEventListener("uncapturederror", (event) => {
      this.first ??= event.error.message.split("\n", 1)[0] ?? "";
    });
    void device.lost.then(({ message }) => {
      this.first ??= `the graphics processor was lost: ${message}`;
    });
  }

  /** WEDepthError with the first thing that went wrong, if anything did. */
  check(): void {
    if (this.first !== null) throw new WEDepthError("failed", `WebGPU failed: ${this.first}.`);
  }
}
