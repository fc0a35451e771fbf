/** The service worker: built as `sw.js` beside the page, with the names of all files that the build made in it. */

import type { Plugin } from "vite";

const FILES = "__WEDEPTH_FILES__";

/** Builds `src/sw/sw.ts`, which keeps the page's files for when there is no network. */
export function offline(): Plugin {
  return {
    name: "wedepth-offline",
    apply: "build",
    enforce: "post", // when the worker's files are there, too
    config: () => ({
      build: {
        rollupOptions: {
          input: { index: "index.html", sw: "src/sw/sw.ts" },
          output: {
            entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
          },
        },
      },
    }),
    generateBundle(_, output) {
      const worker = output["sw.js"];
      if (worker?.type !== "chunk") this.error("The service worker was not built.");
      const names = Object.keys(output).filter((name) => name !== "sw.js" && !name.endsWith(".map"));
      const all = new Set(["index.html", ...names.sort()]);
      worker.code = worker.code.replace(FILES, () => [...all].join("\\n"));
    },
  };
}
