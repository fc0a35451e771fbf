/** The page's side of its worker. Each network has a worker of its own, and leaves nothing behind when it is closed. */

import type { Bundle } from "virtual:bundles";

import { WEDepthError, type Fit, type ImageInput, type Prediction, type Progress } from "../wedepth";
import type { Answers, Asked, Loaded, Reply, Request } from "./protocol";

/** What is thrown to those who still wait when a client is closed. */
export class Closed extends Error {}

export class Client {
  private readonly worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  private turn: Promise<unknown> = Promise.resolve();
  private answer: ((reply: Reply) => void) | null = null;
  private giveUp: ((error: Error) => void) | null = null;
  private progress: Progress = () => undefined;

  constructor() {
    this.worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => this.hear(data));
    this.worker.addEventListener("error", (event) => {
      event.preventDefault();
      const why = event.message ? `fails: ${event.message}` : "does not start";
      this.hear({ kind: "failed", reason: "failed", sentence: `The network's thread ${why}.` });
    });
  }

  /** Load a bundle's model and open it; WEDepthError where it cannot be. */
  load({ model, url }: Bundle, asked: Asked, progress: Progress): Promise<Loaded> {
    this.progress = progress;
    return this.ask("loaded", { kind: "load", model, url: new URL(url, location.href).href, asked });
  }

  /** Depth of an image, when those that were asked for before are done; WEDepthError where it cannot be read. */
  predict(image: ImageInput, fit: Fit): Promise<Prediction> {
    return this.ask("predicted", { kind: "predict", image, fit }, image instanceof ImageBitmap ? [image] : []);
  }

  /** End the worker, whatever it does; who waits for it is thrown Closed. */
  close(): void {
    this.worker.terminate();
    this.giveUp?.(new Closed());
  }

  private ask<K extends keyof Answers>(
    kind: K,
    request: Request,
    transfer: Transferable[] = [],
  ): Promise<Answers[K]> {
    const answered = this.turn.then(
      () =>
        new Promise<Answers[K]>((resolve, reject) => {
          this.giveUp = reject;
          this.answer = (reply) => {
            if (reply.kind === "failed") reject(new WEDepthError(reply.reason, reply.sentence));
            else if (reply.kind === kind) resolve(reply.value as Answers[K]);
          };
          this.worker.postMessage(request, transfer);
        }),
    );
    this.turn = answered.catch(() => undefined);
    return answered;
  }

  private hear(reply: Reply): void {
    if (reply.kind === "progress") this.progress(reply.loaded, reply.total);
    else this.answer?.(reply);
  }
}
