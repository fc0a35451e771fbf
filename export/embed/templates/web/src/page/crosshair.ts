/** Where in the picture the distance is asked for: by finger, mouse, or keys. */

import { part } from "./dom";

/** A place in the picture, each in 0…1. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

const SMALL = 0.01;
const LARGE = 0.1;
const KEYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Crosshair {
  place: Place = { x: 0.5, y: 0.5 };
  private readonly crosses = [...document.querySelectorAll<HTMLElement>(".cross")];

  /** `moved` is told when it is somewhere else. */
  constructor(private readonly moved: () => void) {
    const views = part("views", HTMLElement);
    views.addEventListener("keydown", (event) => this.onKey(event));
    for (const frame of views.querySelectorAll<HTMLElement>(".frame")) {
      frame.addEventListener("pointerdown", (event) => this.onPointer(frame, event));
      frame.addEventListener("pointermove", (event) => {
        if (event.pointerType === "mouse" || event.buttons) this.onPointer(frame, event);
      });
    }
  }

  /** Show it, with what it is over in words; without words there is nothing to show. */
  label(words: string): void {
    for (const cross of this.crosses) {
      cross.hidden = !words;
      cross.style.left = `${100 * this.place.x}%`;
      cross.style.top = `${100 * this.place.y}%`;
      cross.classList.toggle("below", this.place.y < 0.2);
      cross.classList.toggle("left", this.place.x < 0.12);
      cross.classList.toggle("right", this.place.x > 0.88);
      const output = cross.querySelector("output");
      if (output) output.textContent = words;
    }
  }

  private onPointer(frame: HTMLElement, event: PointerEvent): void {
    const { left, top, width, height } = frame.getBoundingClientRect();
    this.move((event.clientX - left) / width, (event.clientY - top) / height);
  }

  private onKey(event: KeyboardEvent): void {
    const direction = KEYS[event.key];
    if (!direction || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const step = event.shiftKey ? LARGE : SMALL;
    this.move(this.place.x + step * direction[0], this.place.y + step * direction[1]);
  }

  private move(x: number, y: number): void {
    this.place = { x: clamped(x), y: clamped(y) };
    this.moved();
  }
}

function clamped(value: number): number {
  return Math.min(1, Math.max(0, value));
}
