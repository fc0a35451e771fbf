/** The bundle's self-test: its own image through the wrapper and this very model, and depth as it has to be. */

import { afterAll, beforeAll, expect, test } from "vitest";

import { MODEL } from "../src/model";
import type { WEDepth } from "../src/wedepth";
import { judge } from "../src/wedepth/selftest";
import { golden, goldenDepth, goldenImage, loadHere, modelBytes } from "./reading";

let network: WEDepth;

beforeAll(async () => {
  network = await loadHere();
});
afterAll(() => network?.close());

test("depth of the golden image is the reference's", async () => {
  const { depth } = await network.predict(goldenImage());
  const { passed, words } = judge(depth, goldenDepth(), golden);
  expect(passed, words).toBe(true);
});

test("a picture's borders change nothing: depth comes back in its own size, in metres", async () => {
  const image = goldenImage();
  const wide = bordered(image, 2 * image.width);
  const { depth, width, height } = await network.predict(wide, { fit: "crop" });
  expect([width, height]).toEqual([wide.width, wide.height]);
  const { passed, words } = judge(middle(depth, wide.width, image.width), goldenDepth(), golden);
  expect(passed, words).toBe(true);
  expect(depth[0]).toBeNaN();
});

test("a swapped model is refused", async () => {
  const bytes = modelBytes();
  bytes[bytes.length - 1]! ^= 1;
  await expect(loadHere(bytes)).rejects.toThrow(`${MODEL.file} is not the file that this page was made for`);
});

function bordered({ data, width, height }: ReturnType<typeof goldenImage>, wider: number) {
  const pixels = new Uint8ClampedArray(4 * wider * height);
  const left = (wider - width) / 2;
  for (let y = 0; y < height; y++) {
    pixels.set(data.subarray(4 * y * width, 4 * (y + 1) * width), 4 * (y * wider + left));
  }
  return { data: pixels, width: wider, height };
}

function middle(depth: Float32Array, wider: number, width: number): Float32Array {
  const left = (wider - width) / 2;
  return depth.filter((_, i) => i % wider >= left && i % wider < left + width);
}
