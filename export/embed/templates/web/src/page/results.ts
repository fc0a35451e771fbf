/** What can be done with depth beside looking at it: the bundle's self-test, and a file. */

import type { Bundle } from "virtual:bundles";

import type { Prediction } from "../wedepth";
import { judge, type Verdict } from "../wedepth/selftest";
import type { Client } from "./client";

/** Depth of the bundle's own image as it comes out here, held against its reference. */
export async function selfTest(client: Client, { image, depth, golden }: Bundle): Promise<Verdict> {
  const [picture, reference] = await Promise.all([fetched(image), fetched(depth)]);
  const found = await client.predict(await picture.blob(), "letterbox");
  return judge(found.depth, new Float32Array(await reference.arrayBuffer()), golden);
}

/** Give depth as a file: metres, little-endian float32, row by row. */
export function save({ depth, width, height }: Prediction): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([depth as Float32Array<ArrayBuffer>]));
  link.download = `depth-${width}x${height}.f32`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function fetched(address: string): Promise<Response> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} cannot be loaded: the server answers ${answer.status}`);
  return answer;
}
