/**
 * Bilinear resizing of our own, with half-pixel centres, so that numbers are the same in every browser.
 *
 * Where it shrinks, the triangle is as wide as the step between the new pixels, so that every old one counts.
 */

/** Rows of pixels in an array: where the first is, how far it is to the next pixel and to the next row. */
export interface Grid {
  readonly values: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly offset: number;
  readonly step: number;
  readonly stride: number;
}

/** Which old pixels count for each new one, and how much: `weights[i][k]` is of the old pixel `starts[i] + k`. */
interface Taps {
  readonly starts: readonly number[];
  readonly weights: readonly Float64Array[];
}

/** Resize, row by row: `emit` is given each new row, `width`×`channels` numbers, and must not keep it. */
export function resize(
  grid: Grid,
  width: number,
  height: number,
  emit: (row: Float64Array, y: number) => void,
): void {
  const across = tapsOf(grid.width, width);
  const down = tapsOf(grid.height, height);
  const narrow = new Map<number, Float64Array>(); // rows that are resized across, while they are needed
  const sum = new Float64Array(width * grid.channels);
  for (let y = 0; y < height; y++) {
    const first = down.starts[y]!;
    const weights = down.weights[y]!;
    for (const old of narrow.keys()) if (old < first) narrow.delete(old);
    sum.fill(0);
    for (let k = 0; k < weights.length; k++) {
      let row = narrow.get(first + k);
      if (!row) narrow.set(first + k, (row = resizeRow(grid, first + k, across)));
      const weight = weights[k]!;
      for (let i = 0; i < sum.length; i++) sum[i]! += weight * row[i]!;
    }
    emit(sum, y);
  }
}

function resizeRow({ values, channels, offset, step, stride }: Grid, y: number, taps: Taps): Float64Array {
  const row = new Float64Array(taps.starts.length * channels);
  for (let x = 0, at = 0; x < taps.starts.length; x++) {
    const weights = taps.weights[x]!;
    const from = offset + y * stride + taps.starts[x]! * step;
    for (let c = 0; c < channels; c++, at++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * values[from + k * step + c]!;
      row[at] = sum;
    }
  }
  return row;
}

/** By the distance of centres: weight 1 at none, 0 from max(1, old ÷ size) on; divided by their sum. */
function tapsOf(old: number, size: number): Taps {
  const reach = Math.max(1, old / size);
  const starts: number[] = [];
  const weights: Float64Array[] = [];
  for (let i = 0; i < size; i++) {
    const centre = ((i + 0.5) * old) / size;
    const start = Math.max(0, Math.floor(centre - reach - 0.5));
    const end = Math.min(old, Math.ceil(centre + reach + 0.5));
    const all = Float64Array.from({ length: end - start }, (_, k) =>
      Math.max(0, 1 - Math.abs(start + k + 0.5 - centre) / reach),
    );
    const first = all.findIndex((weight) => weight > 0);
    const last = all.findLastIndex((weight) => weight > 0);
    const used = all.subarray(first, last + 1);
    const sum = used.reduce((total, weight) => total + weight, 0);
    starts.push(start + first);
    weights.push(used.map((weight) => weight / sum));
  }
  return { starts, weights };
}
