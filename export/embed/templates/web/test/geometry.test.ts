/** How images are placed and resized: as the reference in Python does it. */

import { expect, test } from "vitest";

import { MODEL } from "../src/model";
import { place, type Rectangle } from "../src/wedepth/geometry";
import { resize } from "../src/wedepth/resize";
import { golden } from "./reading";

const sides = ({ left, top, width, height }: Rectangle): number[] => [left, top, width, height];

test.each(golden.geometry)("$width×$height, orientation $orientation, $fit", (given) => {
  const { source, model } = place(...given.upright, MODEL.width, MODEL.height, given.fit);
  expect(sides(source)).toEqual(given.source);
  expect(sides(model)).toEqual(given.model);
});

test.each(golden.resize)("resizing $from to $to", ({ from, to, values, resized }) => {
  const [width, height] = from;
  const found: number[] = [];
  const grid = { values, width, height, channels: 1, offset: 0, step: 1, stride: width };
  resize(grid, ...to, (row) => found.push(...row));
  expect(found).toHaveLength(resized.length);
  found.forEach((value, i) => expect(value).toBeCloseTo(resized[i]!, 5));
});
