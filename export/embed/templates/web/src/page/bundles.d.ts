declare module "virtual:bundles" {
  import type { Golden } from "../wedepth/selftest";
  import type { Model } from "../wedepth/types";

  /** One bundle that the page offers: its numbers, and its files' addresses. */
  export interface Bundle {
    readonly model: Model;
    readonly url: string;
    readonly golden: Golden;
    readonly image: string;
    readonly depth: string;
  }

  export const BUNDLES: readonly Bundle[];
}

declare module "virtual:runtimes" {
  import type { Runtime, Target } from "../wedepth/types";

  /** The runtimes of the targets that the page offers. */
  export const RUNTIMES: Readonly<Partial<Record<Target, () => Promise<Runtime>>>>;
}
