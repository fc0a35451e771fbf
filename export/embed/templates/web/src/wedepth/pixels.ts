/** Whatever holds an image in a page, as upright pixels. */

import { told, WEDepthError } from "./errors";

/** What `predict` takes. A Blob (or File) is a JPEG, PNG or whatever the browser reads; ImageData is taken as it is. */
export type ImageInput = Blob | ImageBitmapSource | PixelData;

/** 8-bit RGBA, row by row; alpha is not looked at. What ImageData is, and what needs no browser. */
export interface PixelData {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** More pixels than this do not fit into a page's memory beside the network. */
const MOST_PIXELS = 64e6;

/** The image's pixels, turned as its EXIF data says; WEDepthError where it cannot be read. */
export async function readPixels(image: ImageInput): Promise<PixelData> {
  if (isPixelData(image)) return image;
  const bitmap = await openImage(image);
  try {
    const { width, height } = bitmap;
    if (width * height > MOST_PIXELS) {
      throw new WEDepthError("image", `${width}×${height} pixels are too many for a page; 64 million are the most.`);
    }
    return draw(bitmap);
  } finally {
    bitmap.close();
  }
}

/** The image as a bitmap, turned as its EXIF data says; WEDepthError where this browser cannot read it. */
export async function openImage(image: ImageBitmapSource): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(image, { imageOrientation: "from-image" });
  } catch (error) {
    const name = image instanceof File ? image.name : "This";
    throw new WEDepthError("image", `${name} is no image that this browser can read (${told(error)}).`);
  }
}

function draw(bitmap: ImageBitmap): PixelData {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new WEDepthError("image", "This browser gives no canvas to read pixels from.");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}

function isPixelData(image: ImageInput): image is PixelData {
  return "data" in image && ArrayBuffer.isView(image.data) && !(image instanceof Blob);
}
