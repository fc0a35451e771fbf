/** Why something cannot be, for code to act on; the error's message is the sentence for people. */
export type Reason =
  | "no-simd"
  | "no-webgpu"
  | "partly"
  | "insecure"
  | "model-missing"
  | "model-swapped"
  | "model-broken"
  | "model-unsupported"
  | "image"
  | "failed";

/** An expected failure, in one clear sentence. */
export class WEDepthError extends Error {
  constructor(
    readonly reason: Reason,
    sentence: string,
  ) {
    super(sentence);
    this.name = "WEDepthError";
  }
}

/** The first line of what a library threw, without its kind and its full stop. */
export function told(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line.replace(/^(?:Uncaught )?(?:\w*Error: )*/, "").replace(/\.$/, "") || "it does not say why";
}
