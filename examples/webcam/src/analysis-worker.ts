import {
  classifyFaces,
  createTracker,
  type DetectedFace,
  type Tracker,
  type TrackState,
  type TrackSummary,
} from 'fer-dcnn';
import { answerCalls, tell } from '../../page-parts/worker-calls.js';

/** What happened to a face. */
export type AnalysisEvent = { type: 'found' | 'lost'; id: number } | { type: 'change'; id: number; to: string };

let tracker: Tracker = createTracker();

const analysis = {
  /** Fetches all that is needed later: the page may lose its network then. */
  async load(_: null): Promise<void> {
    await classifyFaces(new ImageData(64, 64), { fallback: 'whole' });
  },

  /** The first frame of a camera or a video is next. */
  begin(_: null): void {
    tracker = createTracker();
    for (const type of ['found', 'lost'] as const) {
      tracker.addEventListener(type, ({ detail: { id } }) => tell({ type, id } satisfies AnalysisEvent));
    }
    tracker.addEventListener('change', ({ detail: { id, to } }) =>
      tell({ type: 'change', id, to } satisfies AnalysisEvent),
    );
  },

  async frame({ bitmap, time }: { bitmap: ImageBitmap; time: number }): Promise<TrackState> {
    try {
      return await tracker.update(await classifyFaces(bitmap), time);
    } finally {
      bitmap.close();
    }
  },

  async picture(bitmap: ImageBitmap): Promise<DetectedFace[]> {
    try {
      return await classifyFaces(bitmap);
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
