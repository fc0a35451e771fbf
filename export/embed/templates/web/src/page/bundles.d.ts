declare module "virtual:bundles" {
  import type { Golden } from "../wedepth/selftest";
  import type { Model, Runtime } from "../wedepth/types";

  /** One bundle that the page offers: its numbers, its files' addresses, its runtime. */
  export interface Bundle {
    readonly model: Model;
    readonly url: string;
    readonly golden: Golden;
    readonly image: string;
    readonly depth: string;
    readonly runtime: () => Promise<Runtime>;
  }

  export const BUNDLES: readonly Bundle[];
}
