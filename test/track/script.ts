import { EMOTIONS, type Emotion, type Prediction } from '../../src/index.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import type { SeenFace } from '../../src/track/types.js';

/** What a face shows, and for how long, ms. */
export type Script = [emotion: Emotion, duration: number][];

export interface NoiseOptions {
  /** Standard deviation of what is added to each logit. */
  logits: number;
  /** Share of frames that show anything at all. */
  outliers: number;
}

/** Probabilities as the network gives them: the scripted emotion ahead by 2.5 in logits (0.75 to 0.06 each), noise added. */
export function noisyPredictions(
  emotion: Emotion,
  random: () => number,
  { logits, outliers }: NoiseOptions = { logits: 0, outliers: 0 },
): Prediction[] {
  const shown = random() < outliers ? EMOTIONS[Math.floor(random() * EMOTIONS.length)] : emotion;
  const exponentials = EMOTIONS.map((name) => Math.exp((name === shown ? 2.5 : 0) + logits * gaussian(random)));
  const sum = exponentials.reduce((a, b) => a + b);
  return EMOTIONS.map((className, i) => ({ className, probability: exponentials[i] / sum }));
}

/** The frames of a script, `fps` a second, of one face that stays where it is. */
export function* scriptedFrames(
  script: Script,
  fps: number,
  { seed = 1, noise, jitter = 0 }: { seed?: number; noise?: NoiseOptions; jitter?: number } = {},
): Generator<{ faces: SeenFace[]; timestamp: number }> {
  const random = randomStream(seed);
  const total = script.reduce((sum, [, duration]) => sum + duration, 0);
  for (let frame = 0; (frame * 1000) / fps < total; frame++) {
    const timestamp = (frame * 1000) / fps;
    const predictions = noisyPredictions(emotionAt(script, timestamp), random, noise);
    const shift = () => jitter * (2 * random() - 1);
    yield { faces: [{ box: { x: 100 + shift(), y: 80 + shift(), width: 120, height: 120 }, predictions }], timestamp };
  }
}

/** A face at a place, that shows an emotion without a doubt. */
export function faceAt(x: number, emotion: Emotion = 'neutral', size = 100): SeenFace {
  return { box: { x, y: 50, width: size, height: size }, predictions: noisyPredictions(emotion, () => 0.5) };
}

function emotionAt(script: Script, time: number): Emotion {
  let end = 0;
  for (const [emotion, duration] of script) {
    end += duration;
    if (time < end) return emotion;
  }
  throw new RangeError(`the script ends before ${time} ms`);
}

/** Box and Muller (1958). */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
