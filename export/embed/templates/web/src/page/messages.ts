/** What goes on and what went wrong, in words. */

import { part, say } from "./dom";
import { megabytes } from "./figures";

/** Something that a person can do about a problem. */
export interface Remedy {
  readonly words: string;
  readonly act: () => void;
}

/** Show how far loading is. */
export function showProgress(name: string, loaded: number, total: number): void {
  const bar = part("progress", HTMLProgressElement);
  part("loading", HTMLElement).hidden = false;
  bar.value = loaded / total;
  const whole = loaded >= total;
  if (whole) bar.removeAttribute("value"); // opening it takes a while, and nothing tells how long
  say("stage", whole ? `Opening ${name}…` : `Loading ${name}: ${megabytes(loaded)} of ${megabytes(total)}`);
}

/** Loading is over. */
export function hideProgress(): void {
  part("loading", HTMLElement).hidden = true;
}

/** Show a problem, and what can be done. */
export function showProblem(sentence: string, remedy: Remedy | null = null): void {
  const button = part("remedy", HTMLButtonElement);
  button.hidden = !remedy;
  button.textContent = remedy?.words ?? "";
  button.onclick = remedy ? () => remedy.act() : null;
  part("sentence", HTMLElement).textContent = sentence;
  part("problem", HTMLElement).hidden = false;
}

/** No problem any more. */
export function hideProblem(): void {
  part("problem", HTMLElement).hidden = true;
}
