import {
  type BuiltInDetector,
  blazeFaceDetector,
  type Classifier,
  classifyFaces,
  createClassifier,
  createTracker,
  type DetectedFace,
  type Tracker,
  type TrackState,
  type TrackSummary,
} from 'fer-dcnn/lite';
import { BLACK_PICTURE } from '../../page-parts/black-picture.js';
import { pixelsOf } from '../../page-parts/pixels-of.js';
import { answerCalls } from '../../page-parts/worker-calls.js';

let parts: { detector?: BuiltInDetector; classifier?: Classifier } = {};
let tracker: Tracker = createTracker();

const analysis = {
  /** Loads everything that is needed later, because the page may lose its network. */
  async load(assets: string | undefined): Promise<void> {
    if (assets !== undefined) {
      parts = { detector: blazeFaceDetector({ assets }), classifier: createClassifier({ assets }) };
    }
    await classifyFaces(BLACK_PICTURE, { ...parts, fallback: 'whole' });
  },

  /** The first frame of a camera or a video is next. */
  begin(_: null): void {
    tracker = createTracker(parts);
  },

  /** @returns Also how long the frame took, ms. */
  async frame({
    frame,
    time,
  }: {
    frame: VideoFrame | ImageBitmap;
    time: number;
  }): Promise<TrackState & { ms: number }> {
    const began = performance.now();
    try {
      const state = await tracker.update(await pixelsOf(frame), time);
      return { ...state, ms: performance.now() - began };
    } finally {
      frame.close();
    }
  },

  async picture(bitmap: ImageBitmap): Promise<DetectedFace[]> {
    try {
      return await classifyFaces(bitmap, parts);
    } finally {
      bitmap.close();
    }
  },

  summary(_: null): TrackSummary {
    return tracker.summary();
  },
};

export type Analysis = typeof analysis;

answerCalls(analysis);
