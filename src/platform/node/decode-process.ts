import type { FerErrorCode } from '../../errors.js';
import { FerError, reasonOf } from '../../errors.js';
import type { PixelImage } from '../../runtime.js';
import type { ImageFormat } from '../image-format.js';
import type { DecodeLimits } from '../image-limits.js';
import { decodeBytes, loadSharp } from './decode-bytes.js';
import { listenForFrames, sendFrame } from './frames.js';

/** What a process of its own is to decode; the image's bytes come with it. */
export interface DecodeRequest {
  format: ImageFormat;
  limits: DecodeLimits;
  name: string;
}

/** What became of it; pixels come with an image. The first answer says that the process is ready. */
export type DecodeAnswer =
  | { kind: 'ready' }
  | ({ kind: 'image' } & Omit<PixelImage, 'data'>)
  | { kind: 'error'; code: FerErrorCode; message: string };

/** Runs in a process of its own: decodes the images that come through standard input, until that is closed. */
export async function answerRequests(): Promise<void> {
  // A stop that is meant for the whole group of processes is for the parent to carry out: it finishes what it holds.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  // At once: an ordinary exit would wait for an image that is being decoded.
  const end = () => process.kill(process.pid, 'SIGKILL');
  process.stdin.on('close', end);
  process.stdout.on('error', end);

  listenForFrames<DecodeRequest>(process.stdin, async ({ header: { format, limits, name }, bytes }) => {
    try {
      const { data, ...size } = await decodeBytes(bytes, format, limits, name);
      answer({ kind: 'image', ...size }, data);
    } catch (error) {
      const { code, message } =
        error instanceof FerError ? error : new FerError('DECODE', `${name}: ${reasonOf(error)}`);
      answer({ kind: 'error', code, message });
    }
  });
  // That it is missing is said of the first image.
  await loadSharp().catch(() => {});
  answer({ kind: 'ready' });
}

function answer(header: DecodeAnswer, pixels?: Uint8Array | Uint8ClampedArray): void {
  sendFrame(process.stdout, header, pixels && new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length));
}
