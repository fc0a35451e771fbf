/** The page as a whole: one network, one picture or the camera, and what is shown of them. */

import type { Bundle } from "virtual:bundles";

import { WEDepthError, type Fit } from "../wedepth";
import { told } from "../wedepth/errors";
import { openImage } from "../wedepth/pixels";
import { Camera } from "./camera";
import { Client, Closed } from "./client";
import type { Scale } from "./colour";
import { part, say } from "./dom";
import { Figures } from "./figures";
import { hideProblem, hideProgress, showProblem, showProgress, type Remedy } from "./messages";
import { forget, isKept } from "./offline";
import type { Asked, Loaded } from "./protocol";
import { save, selfTest } from "./results";
import sample from "./sample.jpg";
import { chosen, fillSettings, onSettings } from "./settings";
import { Views } from "./views";

export class App {
  private readonly views = new Views();
  private readonly figures = new Figures();
  private client: Client | null = null;
  /** The client that is loading; an older one's troubles are of no interest. */
  private opening: Client | null = null;
  private picture: Blob | null = null;
  private camera: Camera | null = null;
  /** Whether `update` is at work, and whether what it works on has changed since. */
  private updating = false;
  private stale = false;

  /** Fill the page in, load the first network, and show the sample. */
  async start(): Promise<void> {
    fillSettings();
    onSettings({ network: () => this.open(), picture: () => this.update(), colours: () => this.recolour() });
    part("sample", HTMLButtonElement).onclick = () => this.takeSample();
    part("camera", HTMLButtonElement).onclick = () => this.switchCamera();
    part("check", HTMLButtonElement).onclick = () => this.check();
    part("save", HTMLButtonElement).onclick = () => this.views.shown && save(this.views.shown);
    this.takeFiles();
    await this.takeSample();
    await this.open();
  }

  /** Load the network that is chosen, in the place of the one before. */
  private async open(): Promise<void> {
    const { bundle, asked } = chosen();
    this.opening?.close();
    this.client = null;
    const client = (this.opening = new Client());
    this.describe(bundle);
    hideProblem();
    try {
      showProgress(bundle.model.name, 0, bundle.model.bytes);
      const loaded = await client.load(bundle, asked, (done, total) => showProgress(bundle.model.name, done, total));
      this.client = client;
      await this.opened(bundle, loaded);
    } catch (error) {
      client.close();
      if (this.opening === client) {
        hideProgress();
        await this.failed(error, bundle);
      }
    }
    await this.update();
  }

  private describe({ model }: Bundle): void {
    const weights = model.trained ? "trained" : "untrained";
    say("about", `${model.name}: ${model.width}×${model.height}, ${weights}`);
    say("note", model.trained ? "" : "This network is untrained: the depth that it shows means nothing.");
    say("verdict", "");
    this.figures.reset(model);
    this.ready(false);
  }

  private async opened({ model, url }: Bundle, loaded: Loaded): Promise<void> {
    hideProgress();
    this.figures.loaded(loaded);
    this.ready(true);
    if (loaded.instead) say("note", `It runs otherwise than asked: ${loaded.instead}`);
    const kept = await isKept(url);
    part("offline", HTMLElement).textContent = kept ? `${model.name} is kept` : "not kept here";
  }

  private async failed(error: unknown, { url }: Bundle): Promise<void> {
    if (error instanceof Closed) return;
    const reason = error instanceof WEDepthError ? error.reason : "failed";
    if (reason === "model-swapped" || reason === "model-broken") await forget(url);
    const sentence = error instanceof Error ? error.message : told(error);
    const offline = reason === "model-missing" && !navigator.onLine;
    const why = offline ? " There is no network, and it was not loaded before." : "";
    showProblem(sentence + why, this.remedy(reason));
  }

  private remedy(reason: string): Remedy | null {
    if (reason === "no-webgpu" || reason === "partly") {
      const words = reason === "partly" ? "Let WebAssembly do the rest" : "Run in WebAssembly";
      const asked: Asked = reason === "partly" ? "webgpu+wasm" : "wasm";
      return { words, act: () => this.ask(asked) };
    }
    if (reason.startsWith("model-")) return { words: "Load it again", act: () => void this.open() };
    return null;
  }

  private ask(asked: Asked): void {
    part("asked", HTMLSelectElement).value = asked;
    void this.open();
  }

  private async takeSample(): Promise<void> {
    try {
      const answer = await fetch(sample);
      await this.take(await answer.blob());
    } catch (error) {
      showProblem(`The sample cannot be loaded: ${told(error)}.`);
    }
  }

  private takeFiles(): void {
    const input = part("file", HTMLInputElement);
    input.onchange = () => {
      const [file] = input.files ?? [];
      input.value = ""; // so that the same file can be chosen again
      if (file) void this.take(file);
    };
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer?.files ?? [];
      if (file) void this.take(file);
    });
  }

  /** Show a picture, and its depth when that is known. */
  private async take(picture: Blob): Promise<void> {
    this.stopCamera();
    if (this.client) hideProblem();
    try {
      const kept = new Blob([await picture.arrayBuffer()], { type: picture.type }); // its file may go away
      const bitmap = await openImage(picture);
      this.views.showPicture(bitmap);
      this.picture = kept;
      bitmap.close();
    } catch (error) {
      return showProblem(told(error) + ".");
    }
    this.views.clearDepth();
    return this.update();
  }

  private async switchCamera(): Promise<void> {
    if (this.camera) return this.stopCamera();
    try {
      this.camera = await Camera.open(() => this.stopCamera());
    } catch (error) {
      return showProblem(`${told(error)}.`);
    }
    if (this.client) hideProblem();
    this.picture = null;
    part("camera", HTMLButtonElement).ariaPressed = "true";
    part("camera", HTMLButtonElement).textContent = "Stop camera";
    return this.update();
  }

  private stopCamera(): void {
    this.camera?.close();
    this.camera = null;
    part("camera", HTMLButtonElement).ariaPressed = "false";
    part("camera", HTMLButtonElement).textContent = "Camera";
  }

  /** Bring depth up to date with the picture, over and over while the camera is on; one at a time. */
  private async update(): Promise<void> {
    this.stale = true;
    if (this.updating) return;
    this.updating = true;
    while (this.client && (this.stale || this.camera)) {
      this.stale = false;
      say("busy", this.views.shown ? "" : "Computing…");
      await this.predict(this.client).catch((error: unknown) => this.stumbled(error));
    }
    say("busy", "");
    this.updating = false;
  }

  private async predict(client: Client): Promise<void> {
    const frame = await this.camera?.frame();
    const picture = frame ?? this.picture;
    if (!picture) return;
    const seen = frame && (await createImageBitmap(frame));
    const prediction = await client.predict(picture, part("fit", HTMLSelectElement).value as Fit);
    if (client !== this.client || (this.stale && !frame)) return;
    if (seen) this.views.showPicture(seen);
    seen?.close();
    say("busy", "");
    this.views.showDepth(prediction, scale());
    this.figures.predicted(prediction);
  }

  private stumbled(error: unknown): void {
    if (error instanceof Closed) return;
    this.stopCamera();
    showProblem(error instanceof WEDepthError ? error.message : `${told(error)}.`);
  }

  private recolour(): void {
    if (this.views.shown) this.views.showDepth(this.views.shown, scale());
  }

  private async check(): Promise<void> {
    const { client } = this;
    if (!client) return;
    this.ready(false);
    const verdict = part("verdict", HTMLElement);
    verdict.className = ""; // of the run before
    say("verdict", "Running…");
    try {
      const { passed, words } = await selfTest(client, chosen().bundle);
      verdict.className = passed ? "passed" : "failed";
      say("verdict", `${passed ? "Passed" : "Failed"}. ${words}`);
    } catch (error) {
      verdict.className = "failed";
      say("verdict", error instanceof Closed ? "" : `The self-test did not run: ${told(error)}.`);
    }
    this.ready(this.client === client);
  }

  private ready(is: boolean): void {
    for (const id of ["check", "save"]) part(id, HTMLButtonElement).disabled = !is;
  }
}

function scale(): Scale | null {
  const [low, high] = part("scale", HTMLSelectElement).value.split("-").map(Number);
  return high === undefined ? null : { low: low!, high };
}
