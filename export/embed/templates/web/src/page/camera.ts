/** The device's camera. */

import { told } from "../wedepth/errors";

const WANTED: MediaStreamConstraints = {
  audio: false,
  video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
};

const REASONS: Readonly<Record<string, string>> = {
  NotAllowedError: "The camera may not be used: allow it for this page in the browser's settings.",
  NotFoundError: "There is no camera here; choose a picture instead.",
  NotReadableError: "The camera is in use by another program.",
};

export class Camera {
  private readonly video = document.createElement("video");

  private constructor(private readonly stream: MediaStream) {
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.srcObject = stream;
  }

  /** The camera, on; Error with a sentence where there is none, or none to be used. `ended` is told if it goes away. */
  static async open(ended: () => void): Promise<Camera> {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("The camera may be used on https or localhost only.");
    }
    const stream = await navigator.mediaDevices.getUserMedia(WANTED).catch((error: DOMException) => {
      throw new Error(REASONS[error.name] ?? `The camera does not start: ${told(error)}.`);
    });
    for (const track of stream.getVideoTracks()) track.addEventListener("ended", ended);
    const camera = new Camera(stream);
    await camera.video.play();
    return camera;
  }

  /** What it sees now. */
  frame(): Promise<ImageBitmap> {
    return createImageBitmap(this.video);
  }

  /** Turn it off. */
  close(): void {
    for (const track of this.stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }
}
