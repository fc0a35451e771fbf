/** What is seen: the picture, its depth in colours, their scale in metres, the distance under the crosshair. */

import type { Prediction } from "../wedepth";
import { depthRange, paintDepth, paintLegend, scaleMarks, type Scale } from "./colour";
import { Crosshair } from "./crosshair";
import { part, say } from "./dom";

/** Pixels a side that are painted at most; depth itself is kept as it is. */
const MOST = 1280;
/** CSS pixels that a mark of the scale needs. */
const MARK = 64;
/** How long the crosshair rests before a screen reader is told, in milliseconds. */
const REST = 300;

export class Views {
  /** The last depth, in the picture's own geometry. */
  shown: Prediction | null = null;
  private readonly crosshair = new Crosshair(() => this.read());
  private readonly photo = part("photo", HTMLCanvasElement);
  private readonly depth = part("depth", HTMLCanvasElement);
  private scale: Scale = { low: 0, high: 1 };
  private rest = 0;

  constructor() {
    paintLegend(part("ramp", HTMLCanvasElement));
    new ResizeObserver(() => this.mark()).observe(part("marks", HTMLElement));
  }

  /** Show a picture, upright, while its depth is not known yet. */
  showPicture(picture: ImageBitmap): void {
    const step = Math.max(1, Math.max(picture.width, picture.height) / MOST);
    this.photo.width = Math.max(1, Math.round(picture.width / step));
    this.photo.height = Math.max(1, Math.round(picture.height / step));
    this.photo.getContext("2d")?.drawImage(picture, 0, 0, this.photo.width, this.photo.height);
    for (const frame of document.querySelectorAll<HTMLElement>(".frame")) {
      frame.style.setProperty("--aspect", String(picture.width / picture.height));
    }
  }

  /** Show no depth: what is there is not of the picture any more. */
  clearDepth(): void {
    this.shown = null;
    this.depth.getContext("2d")?.clearRect(0, 0, this.depth.width, this.depth.height);
    this.read();
  }

  /** Show a picture's depth; `fixed` is the scale that was chosen, null to fit one to it. */
  showDepth(prediction: Prediction, fixed: Scale | null): void {
    this.shown = prediction;
    this.scale = fixed ?? depthRange(prediction.depth);
    paintDepth(this.depth, prediction.depth, prediction.width, prediction.height, this.scale, MOST);
    this.mark();
    this.read();
  }

  private mark(): void {
    const marks = part("marks", HTMLElement);
    const { low, high } = this.scale;
    const all = this.shown ? scaleMarks(this.scale, Math.max(2, Math.floor(marks.clientWidth / MARK))) : [];
    marks.replaceChildren(
      ...all.map(({ metres, label }) => {
        const mark = document.createElement("span");
        mark.textContent = label;
        mark.style.left = `${(100 * (metres - low)) / (high - low)}%`;
        return mark;
      }),
    );
    const words = this.shown ? `Colours from ${metresIn(low)} (blue) to ${metresIn(high)} (red)` : "";
    part("legend", HTMLElement).setAttribute("aria-label", words || "No depth yet");
  }

  private read(): void {
    const { shown } = this;
    if (!shown) {
      this.crosshair.label("");
      say("where", "");
      part("metres", HTMLElement).textContent = "–";
      return;
    }
    const x = Math.min(shown.width - 1, Math.floor(this.crosshair.place.x * shown.width));
    const y = Math.min(shown.height - 1, Math.floor(this.crosshair.place.y * shown.height));
    const metres = shown.depth[y * shown.width + x]!;
    const words = Number.isFinite(metres) ? metresIn(metres) : "not looked at";
    this.crosshair.label(words);
    clearTimeout(this.rest);
    this.rest = window.setTimeout(() => {
      part("metres", HTMLElement).textContent = words;
    }, part("views", HTMLElement).matches(":focus") ? REST : 0);
    say("where", `at ${x}, ${y} of ${shown.width}×${shown.height}`);
  }
}

function metresIn(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} m`;
}
