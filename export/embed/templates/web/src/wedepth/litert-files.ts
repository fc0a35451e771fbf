/** Where the bundler puts LiteRT.js's files: each has a hash in its name, and none comes from elsewhere. */

import compatJs from "@litertjs/core/wasm/litert_wasm_compat_internal.js?url";
import compat from "@litertjs/core/wasm/litert_wasm_compat_internal.wasm?url";
import plainJs from "@litertjs/core/wasm/litert_wasm_internal.js?url";
import plain from "@litertjs/core/wasm/litert_wasm_internal.wasm?url";
import jspiJs from "@litertjs/core/wasm/litert_wasm_jspi_internal.js?url";
import jspi from "@litertjs/core/wasm/litert_wasm_jspi_internal.wasm?url";
import threadedJs from "@litertjs/core/wasm/litert_wasm_threaded_internal.js?url";
import threaded from "@litertjs/core/wasm/litert_wasm_threaded_internal.wasm?url";

import type { LiteRtFiles } from "./litert";

const here = (address: string): string => new URL(address, globalThis.location.href).href;

export const FILES: LiteRtFiles = {
  compat: { js: here(compatJs), wasm: here(compat) },
  plain: { js: here(plainJs), wasm: here(plain) },
  jspi: { js: here(jspiJs), wasm: here(jspi) },
  threaded: { js: here(threadedJs), wasm: here(threaded) },
};
