/**
 * Works on the frames of a video one by one, never on two at once. If the work takes longer than a frame, it continues with
 * the newest frame. Ends when `goesOn` returns false, or after the last frame of a file, which it never leaves out.
 *
 * @param work - Gets the frame's time in ms: of a video file its own, of a camera the page's.
 */
export async function eachFrame(
  video: HTMLVideoElement,
  goesOn: () => boolean,
  work: (time: number) => Promise<void>,
): Promise<void> {
  let last = -1;
  let wake: (() => void) | undefined;
  let fresh = false;
  const arrive = () => {
    fresh = true;
    wake?.();
    if (goesOn()) video.requestVideoFrameCallback?.(arrive);
  };
  video.requestVideoFrameCallback?.(arrive);

  while (goesOn()) {
    if (video.ended && (video.videoWidth === 0 || 1000 * video.currentTime <= last)) return;
    if (!fresh) {
      await new Promise<void>((resolve) => {
        // Browsers without the callback, and videos that end.
        const fallback = setTimeout(resolve, 'requestVideoFrameCallback' in video ? 250 : 33);
        wake = () => {
          clearTimeout(fallback);
          resolve();
        };
      });
    }
    fresh = false;
    if (!goesOn()) return;
    const time = video.srcObject === null ? 1000 * video.currentTime : performance.now();
    // A video that was rewound, or has no picture yet.
    if (video.videoWidth === 0 || time <= last) continue;
    last = time;
    await work(time);
  }
}

/**
 * The frame that a video shows, for a worker: without a copy where the browser can and the size is right, or else as a
 * picture of this size.
 */
export async function frameOf(
  video: HTMLVideoElement,
  { width, height }: { width: number; height: number },
): Promise<VideoFrame | ImageBitmap> {
  if (typeof VideoFrame !== 'undefined' && width === video.videoWidth && height === video.videoHeight) {
    try {
      const frame = new VideoFrame(video);
      // Frames of a turned phone may lie on their side.
      if (frame.displayWidth === width && frame.displayHeight === height) return frame;
      frame.close();
    } catch {
      // A browser that cannot, or a frame that has just been replaced.
    }
  }
  return createImageBitmap(video, { resizeWidth: width, resizeHeight: height });
}

/** Frames a second and ms a frame, over the last second or so. */
export function speedometer() {
  let frames: { at: number; ms: number }[] = [];
  return {
    add(ms: number): void {
      const at = performance.now();
      frames.push({ at, ms });
      frames = frames.filter((frame) => frame.at > at - 1500);
    },
    /** Empty until there are enough frames. */
    toString(): string {
      if (frames.length < 3) return '';
      const rate = (1000 * (frames.length - 1)) / (frames.at(-1)!.at - frames[0].at);
      const sorted = frames.map(({ ms }) => ms).sort((a, b) => a - b);
      return `${Math.round(rate)} fps · ${Math.max(1, Math.round(sorted[sorted.length >> 1]))} ms`;
    },
  };
}
