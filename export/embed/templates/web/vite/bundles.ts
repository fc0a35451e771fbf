/**
 * What the page offers: the bundles that `bundles.json` lists by their folders, this project's own first.
 *
 * A bundle's model, self-test and generated numbers (`web/src/model.ts`) stay where they are; the build gives files
 * names with hashes.
 */

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

import type { Plugin } from "vite";

/** Which runtime takes which target; those of other targets are not built in. */
const RUNTIMES: Record<string, string> = {
  onnx: '() => import("/src/wedepth/onnx.ts").then((it) => it.onnx)',
  tflite: '() => import("/src/wedepth/litert.ts").then((it) => it.litert)',
};
const MODULES: Record<string, (all: string[]) => string> = {
  "virtual:bundles": bundlesOf,
  "virtual:runtimes": runtimesOf,
};

interface Manifest {
  readonly target: string;
  readonly artifact: { readonly path: string };
}

/** The folders of all bundles, absolute. */
export function folders(root = process.cwd()): string[] {
  const listed = JSON.parse(readFileSync(resolve(root, "bundles.json"), "utf8")) as string[];
  return listed.map((folder) => resolve(root, folder));
}

/** Gives the page `virtual:bundles`, and its worker `virtual:runtimes`. */
export function bundles(): Plugin {
  return {
    name: "wedepth-bundles",
    resolveId: (id) => (id in MODULES ? `\0${id}` : undefined),
    load: (id) => MODULES[id.replace("\0", "")]?.(folders()),
  };
}

function bundlesOf(all: string[]): string {
  const imports: string[] = [];
  const entries = all.map((folder, index) => {
    const web = resolve(folder, "web");
    const facts = resolve(web, "src/model.ts");
    if (!existsSync(facts)) {
      throw new Error(`${folder} is not embedded for the web: wedepth-export --embed web makes ${facts}.`);
    }
    const add = (name: string, file: string, query = ""): string => {
      imports.push(`import ${name}${index} from ${JSON.stringify(file + query)};`);
      return `${name}${index}`;
    };
    imports.push(`import { MODEL as model${index} } from ${JSON.stringify(facts)};`);
    return `{
      model: model${index},
      url: ${add("url", resolve(folder, manifestOf(folder).artifact.path), "?url")},
      golden: ${add("golden", resolve(web, "golden/golden.json"))},
      image: ${add("image", resolve(web, "golden/image.png"), "?url")},
      depth: ${add("depth", resolve(web, "golden/depth.f32"), "?url")},
    }`;
  });
  return `${imports.join("\n")}\nexport const BUNDLES = [${entries.join(",\n")}];\n`;
}

function runtimesOf(all: string[]): string {
  const targets = new Set(all.map((folder) => manifestOf(folder).target));
  return `export const RUNTIMES = {${[...targets].map((target) => `${target}: ${RUNTIMES[target]}`).join(", ")}};\n`;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(resolve(folder, "manifest.json"), "utf8")) as Manifest;
}
