/** Mistakes of an integration, made on purpose: the self-test finds each, and says which it is. */

import { beforeAll, expect, test } from "vitest";

import { MODEL } from "../src/model";
import type { WEDepth } from "../src/wedepth";
import { place, toInput } from "../src/wedepth/geometry";
import { resize } from "../src/wedepth/resize";
import type { PixelData } from "../src/wedepth/pixels";
import { judge } from "../src/wedepth/selftest";
import { golden, goldenDepth, goldenImage, loadHere, modelBytes, runtimeHere } from "./reading";

let network: WEDepth;

beforeAll(async () => {
  network = await loadHere();
});

const CHANGES: Readonly<Record<string, (image: PixelData) => PixelData>> = {
  bgr: (image) => changed(image, (x, y, c) => at(image, x, y, c === 3 ? 3 : 2 - c)),
  rotated: (image) => squeezed(turned(image), image.width, image.height),
  flipped: (image) => changed(image, (x, y, c) => at(image, x, image.height - 1 - y, c)),
  mirrored: (image) => changed(image, (x, y, c) => at(image, image.width - 1 - x, y, c)),
};

test.each(Object.keys(CHANGES))("%s", async (name) => {
  const { depth } = await network.predict(CHANGES[name]!(goldenImage()));
  expectSaid(depth, name);
});

test("range", async () => {
  await network.close();
  const session = await runtimeHere().open(modelBytes(), MODEL, { backend: "wasm", threads: 1 });
  const image = goldenImage();
  const placement = place(image.width, image.height, MODEL.width, MODEL.height, "letterbox");
  expectSaid(await session.run(toInput(image, placement, MODEL).map((value) => value / 255)), "range");
  await session.close();
});

test("scale", () => expectSaid(goldenDepth().map((metres) => 1000 * metres), "scale"));

test("log", () => expectSaid(goldenDepth().map(Math.log), "log"));

test("no numbers", () => {
  const { passed, words } = judge(goldenDepth().fill(NaN), goldenDepth(), golden);
  const all = MODEL.width * MODEL.height;
  expect(passed).toBe(false);
  expect(words).toBe(`The depth is no number at ${all} of ${all} pixels.`);
});

test("another size", () => {
  const { passed, words } = judge(goldenDepth().subarray(1), goldenDepth(), golden);
  expect(passed).toBe(false);
  expect(words).toContain(`instead of ${MODEL.width}×${MODEL.height}`);
});

function expectSaid(depth: Float32Array, name: string): void {
  const { passed, words } = judge(depth, goldenDepth(), golden);
  expect(passed).toBe(false);
  expect(words).toContain(`is what it is where ${golden.mistakes[name]!.words}.`);
}

function at({ data, width }: PixelData, x: number, y: number, c: number): number {
  return data[4 * (y * width + x) + c]!;
}

function changed({ width, height }: PixelData, value: (x: number, y: number, c: number) => number): PixelData {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i++) data[i] = value((i >> 2) % width, Math.floor((i >> 2) / width), i & 3);
  return { data, width, height };
}

/** A quarter to the left. */
function turned(image: PixelData): PixelData {
  const { width, height } = image;
  return changed({ ...image, width: height, height: width }, (x, y, c) => at(image, width - 1 - y, x, c));
}

function squeezed({ data, width, height }: PixelData, w: number, h: number): PixelData {
  const pixels = new Uint8ClampedArray(4 * w * h);
  const grid = { values: data, width, height, channels: 4, offset: 0, step: 4, stride: 4 * width };
  resize(grid, w, h, (row, y) => pixels.set(row.map((value) => Math.floor(value + 0.5)), 4 * w * y));
  return { data: pixels, width: w, height: h };
}
