/** What a person can choose. The network and where it runs are in the page's address, too, to be sent on. */

import { BUNDLES, type Bundle } from "virtual:bundles";

import { part } from "./dom";
import { megabytes } from "./figures";
import type { Asked } from "./protocol";

export interface Chosen {
  readonly bundle: Bundle;
  readonly asked: Asked;
}

/** What to do when a choice changes. */
export interface Changes {
  readonly network: () => void;
  readonly picture: () => void;
  readonly colours: () => void;
}

/** Offer the bundles, and choose what the address says. */
export function fillSettings(): void {
  const bundles = part("bundle", HTMLSelectElement);
  bundles.replaceChildren(
    ...BUNDLES.map(({ model }, index) => new Option(`${model.name}, ${megabytes(model.bytes)}`, String(index))),
  );
  const wanted = new URLSearchParams(location.search);
  const index = BUNDLES.findIndex(({ model }) => model.name === wanted.get("model"));
  bundles.value = String(Math.max(0, index));
  const asked = part("asked", HTMLSelectElement);
  const offered = [...asked.options].map((option) => option.value);
  if (offered.includes(wanted.get("run") ?? "")) asked.value = wanted.get("run")!;
}

/** What is chosen now. */
export function chosen(): Chosen {
  const bundle = BUNDLES[Number(part("bundle", HTMLSelectElement).value)]!;
  return { bundle, asked: part("asked", HTMLSelectElement).value as Asked };
}

/** Tell of changes. */
export function onSettings(changes: Changes): void {
  part("settings", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["bundle", "asked"]) {
    part(id, HTMLSelectElement).addEventListener("change", () => {
      remember();
      changes.network();
    });
  }
  part("fit", HTMLSelectElement).addEventListener("change", changes.picture);
  part("scale", HTMLSelectElement).addEventListener("change", changes.colours);
}

function remember(): void {
  const { bundle, asked } = chosen();
  history.replaceState(null, "", `?${new URLSearchParams({ model: bundle.model.name, run: asked })}`);
}
