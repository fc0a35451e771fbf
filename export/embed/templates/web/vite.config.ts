import { defineConfig } from "vitest/config";

import { bundles, folders } from "./vite/bundles.ts";
import { offline } from "./vite/offline.ts";
import { policy } from "./vite/policy.ts";

// With these a page may share memory between threads. Where a host does not send them, the service worker adds them.
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  base: "./", // so that the page works below any address
  plugins: [bundles(), policy(), offline()],
  resolve: {
    // ONNX Runtime Web's files stay files of their own: hashed, and loaded when they are needed.
    conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "development|production"],
  },
  optimizeDeps: { exclude: ["onnxruntime-web", "@litertjs/core"] },
  worker: { format: "es", plugins: () => [bundles()] },
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 1000 },
  server: { headers: ISOLATED, fs: { allow: [".", "node_modules", ...folders()] } },
  preview: { headers: ISOLATED },
  test: { silent: "passed-only", include: ["test/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000 },
});
