/** How an image of any size becomes the network's input, and its depth the image's again. */

import type { PixelData } from "./pixels";
import { resize } from "./resize";
import type { Model } from "./types";

/** "letterbox": the whole image between grey borders. "crop": its middle, of the network's proportions. */
export type Fit = "letterbox" | "crop";

/** In whole pixels. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Which part `source` of the upright image is put where in the network's input, `model`. */
export interface Placement {
  readonly source: Rectangle;
  readonly model: Rectangle;
}

/** What letterbox puts beside the image, in each channel. */
const GREY = 128;

/** Where an upright image goes in the network's input. Halves are rounded up, offsets down. */
export function place(width: number, height: number, modelWidth: number, modelHeight: number, fit: Fit): Placement {
  const wide = width * modelHeight >= height * modelWidth;
  if (fit === "letterbox") {
    const w = wide ? modelWidth : Math.max(1, divided(width * modelHeight, height));
    const h = wide ? Math.max(1, divided(height * modelWidth, width)) : modelHeight;
    return { source: { left: 0, top: 0, width, height }, model: centred(w, h, modelWidth, modelHeight) };
  }
  const w = wide ? Math.max(1, divided(height * modelWidth, modelHeight)) : width;
  const h = wide ? height : Math.max(1, divided(width * modelHeight, modelWidth));
  return { source: centred(w, h, width, height), model: { left: 0, top: 0, width: modelWidth, height: modelHeight } };
}

/** The network's input of upright pixels: RGB 0…255 in whole numbers, in the model's own layout. */
export function toInput(pixels: PixelData, { source, model }: Placement, network: Model): Float32Array {
  const { width, height } = network;
  const [step, plane] = network.input.layout === "NCHW" ? [1, width * height] : [3, 1];
  const values = new Float32Array(3 * width * height).fill(GREY);
  const stride = 4 * pixels.width;
  const offset = source.top * stride + 4 * source.left;
  const size = { width: source.width, height: source.height, channels: 3 };
  resize({ values: pixels.data, ...size, offset, step: 4, stride }, model.width, model.height, (row, y) => {
    let at = ((model.top + y) * width + model.left) * step;
    for (let x = 0; x < row.length; x += 3, at += step) {
      for (let c = 0; c < 3; c++) values[at + c * plane] = Math.floor(row[x + c]! + 0.5);
    }
  });
  return values;
}

/** The network's depth as that of the upright image: metres, NaN where a crop left the image out. */
export function cutOut(
  depth: Float32Array,
  { source, model }: Placement,
  { width: stride }: { readonly width: number },
  image: { readonly width: number; readonly height: number },
): Float32Array {
  const whole = new Float32Array(image.width * image.height).fill(NaN);
  const offset = model.top * stride + model.left;
  const grid = { values: depth, width: model.width, height: model.height, channels: 1, offset, step: 1, stride };
  resize(grid, source.width, source.height, (row, y) => {
    whole.set(row, (source.top + y) * image.width + source.left);
  });
  return whole;
}

function centred(width: number, height: number, outerWidth: number, outerHeight: number): Rectangle {
  return { left: Math.floor((outerWidth - width) / 2), top: Math.floor((outerHeight - height) / 2), width, height };
}

/** The quotient of whole numbers, rounded, halves up. */
function divided(numerator: number, denominator: number): number {
  return Math.floor((2 * numerator + denominator) / (2 * denominator));
}
