/** Depth in the Turbo colour map, on a scale in metres, as wedepth's own pictures have it. */

/** Metres at both ends of the colour scale. */
export interface Scale {
  readonly low: number;
  readonly high: number;
}

/** Mikhailov's polynomial fit of Turbo, RGB in 0…1 from 0…1. */
const TURBO = [
  [0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
  [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
  [0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
];
/** The map's first 7 % are all but black, which is kept for what is unknown. */
const DARK = 0.07;
const STEPS = 1024;
const COLOURS = colours();
/** Percentiles are found on about this many depths: more would take longer than the network. */
const ENOUGH = 131_072;

/** Paint depth (`width`×`height`) on a canvas of at most `most` pixels a side; unknown is black. */
export function paintDepth(
  canvas: HTMLCanvasElement,
  depth: Float32Array,
  width: number,
  height: number,
  { low, high }: Scale,
  most = 1280,
): void {
  const step = Math.max(1, Math.max(width, height) / most);
  canvas.width = Math.max(1, Math.round(width / step));
  canvas.height = Math.max(1, Math.round(height / step));
  const picture = new ImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(picture.data.buffer);
  for (let y = 0, at = 0; y < canvas.height; y++) {
    const row = Math.floor((y + 0.5) * (height / canvas.height)) * width;
    for (let x = 0; x < canvas.width; x++, at++) {
      pixels[at] = colour(depth[row + Math.floor((x + 0.5) * (width / canvas.width))]!, low, high);
    }
  }
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
}

/** Paint the scale itself, from `low` at the left to `high` at the right. */
export function paintLegend(canvas: HTMLCanvasElement): void {
  canvas.width = STEPS;
  canvas.height = 1;
  const picture = new ImageData(STEPS, 1);
  new Uint32Array(picture.data.buffer).set(COLOURS);
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
}

/** The 2nd and 98th percentile of known depths; 0 to 1 where nothing is known. */
export function depthRange(depth: Float32Array): Scale {
  const step = Math.max(1, Math.floor(depth.length / ENOUGH));
  const known = depth.filter((metres, index) => index % step === 0 && Number.isFinite(metres) && metres > 0).sort();
  if (!known.length) return { low: 0, high: 1 };
  const low = percentile(known, 0.02);
  return { low, high: Math.max(percentile(known, 0.98), low + 1e-3) };
}

/** Round values in metres, in steps of 1, 2 or 5, about `most` of them, each with its label. */
export function scaleMarks({ low, high }: Scale, most: number): { metres: number; label: string }[] {
  const least = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 5].find((n) => n * power >= least * (1 - 1e-9)) ?? 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const marks = [];
  for (let n = Math.ceil(low / step - 1e-9); n <= Math.floor(high / step + 1e-9); n++) {
    marks.push({ metres: n * step, label: `${(n * step).toFixed(digits)} m` });
  }
  return marks;
}

function colour(metres: number, low: number, high: number): number {
  if (!Number.isFinite(metres) || metres === 0) return 0xff000000;
  const position = Math.min(1, Math.max(0, (metres - low) / (high - low)));
  return COLOURS[Math.round(position * (STEPS - 1))]!;
}

/** As bytes A, B, G, R of a number, which is how every browser's machine has RGBA in memory. */
function colours(): Uint32Array {
  return Uint32Array.from({ length: STEPS }, (_, step) => {
    const position = DARK + ((1 - DARK) * step) / (STEPS - 1);
    const [red, green, blue] = TURBO.map((factors) => {
      const value = factors.reduceRight((sum, factor) => sum * position + factor, 0);
      return Math.floor(255 * Math.min(1, Math.max(0, value)));
    }) as [number, number, number];
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

function percentile(sorted: Float32Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below);
}
