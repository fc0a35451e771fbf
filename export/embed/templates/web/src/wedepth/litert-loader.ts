/** Starting LiteRT.js from files with hashes in their names, in a page and in a module worker. */

import type { LiteRtBuild } from "./litert";

interface Globals {
  /** What LiteRT's loader script defines, and what it is then called with. */
  ModuleFactory?: unknown;
  Module?: unknown;
  importScripts?: unknown;
  /** What it writes to; scripts define it on the way, modules do not. */
  custom_dbg?: unknown;
}

/**
 * `start` with LiteRT's loader ready.
 *
 * The loader looks for its .wasm under the name that it was built with, and its threads for the script that they are
 * of: both are told. And LiteRT.js loads the loader by `importScripts`, which a module worker has, but which throws
 * there: so there it is loaded as a module, and `importScripts` rests meanwhile.
 */
export async function useLoader<T>(build: LiteRtBuild, start: () => Promise<T>): Promise<T> {
  const globals = globalThis as Globals;
  globals.Module = { locateFile: () => build.wasm, mainScriptUrlOrBlob: build.js };
  if (!("WorkerGlobalScope" in globalThis)) return start();
  globals.custom_dbg ??= (text: string) => console.debug(text);
  globals.ModuleFactory = await importFactory(build.js);
  const kept = globals.importScripts;
  globals.importScripts = () => undefined;
  try {
    return await start();
  } finally {
    globals.importScripts = kept;
  }
}

async function importFactory(address: string): Promise<unknown> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} cannot be loaded: the server answers ${answer.status}`);
  const module = new Blob([await answer.text(), "\nexport { ModuleFactory };\n"], { type: "text/javascript" });
  const blob = URL.createObjectURL(module);
  try {
    const { ModuleFactory } = (await import(/* @vite-ignore */ blob)) as { ModuleFactory: unknown };
    return ModuleFactory;
  } finally {
    URL.revokeObjectURL(blob);
  }
}
