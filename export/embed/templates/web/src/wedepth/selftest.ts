/** A bundle's self-test: depth of its own image held against what this very file gave in its reference runtime. */

/** `golden/golden.json`. */
export interface Golden {
  readonly schema: 1;
  readonly width: number;
  readonly height: number;
  /** In which runtime the reference was made. */
  readonly runtime: string;
  readonly image_sha256: string;
  readonly depth_sha256: string;
  /** Relative differences of depth: at any pixel (null: no bound), and on average. */
  readonly tolerance: { readonly max_rel: number | null; readonly mean_rel: number };
  /** What mistakes of an integration do to depth of this file: words that follow "where", mean and median. */
  readonly mistakes: Readonly<Record<string, Mistake>>;
}

export interface Mistake {
  readonly words: string;
  readonly mean_rel: number;
  readonly ratio: number;
}

export interface Verdict {
  readonly passed: boolean;
  /** What was found, in a sentence. */
  readonly words: string;
  readonly found: { readonly max_rel: number; readonly mean_rel: number };
}

/** Whether depth is the reference within the tolerance, and if not, what it looks like. */
export function judge(depth: Float32Array, expected: Float32Array, golden: Golden): Verdict {
  const { max_rel: most, mean_rel: mean } = golden.tolerance;
  const found = difference(depth, expected);
  const wrong = depth.reduce((count, metres) => count + Number(!Number.isFinite(metres)), 0);
  const verdict = (passed: boolean, words: string): Verdict => ({ passed, words, found });
  if (depth.length !== expected.length) {
    return verdict(false, `There are ${depth.length} depths instead of ${golden.width}×${golden.height}.`);
  }
  if (wrong) return verdict(false, `The depth is no number at ${wrong} of ${depth.length} pixels.`);
  if (found.mean_rel > mean) {
    const { mean_rel, words } = nearest(found.mean_rel, golden);
    return verdict(
      false,
      `The mean relative difference is ${short(found.mean_rel)}; ${short(mean)} is the tolerance. ` +
        `${short(mean_rel)} is what it is where ${words}.`,
    );
  }
  if (most !== null && found.max_rel > most) {
    const worst = short(found.max_rel);
    return verdict(false, `The relative difference is ${worst} at one pixel; ${short(most)} is the tolerance.`);
  }
  return verdict(
    true,
    `The mean relative difference from ${golden.runtime} is ${short(found.mean_rel)}; ${short(mean)} is the tolerance.`,
  );
}

/** The largest and the mean relative difference; NaN where a depth is no number. */
export function difference(depth: Float32Array, expected: Float32Array): Verdict["found"] {
  let sum = 0;
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const relative = Math.abs(depth[i]! / expected[i]! - 1);
    sum += relative;
    most = relative > most || Number.isNaN(relative) ? relative : most;
  }
  return { max_rel: most, mean_rel: sum / expected.length };
}

function nearest(mean: number, golden: Golden): Mistake {
  const far = (mistake: Mistake): number => Math.abs(mistake.mean_rel - mean);
  return Object.values(golden.mistakes).reduce((best, one) => (far(one) < far(best) ? one : best));
}

function short(value: number): string {
  return value >= 1e-3 && value < 1000 ? String(Number(value.toPrecision(2))) : value.toExponential(1);
}
