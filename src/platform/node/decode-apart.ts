import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { FerError } from '../../errors.js';
import type { PixelImage } from '../../runtime.js';
import { ByteBudget } from '../byte-budget.js';
import type { ImageFormat } from '../image-format.js';
import type { DecodeLimits } from '../image-limits.js';
import { timeoutOf } from '../within-time.js';
import { MOST_MEMORY } from './decode-bytes.js';
import type { DecodeAnswer, DecodeRequest } from './decode-process.js';
import { decodeWork } from './decode-work.js';
import { type Frame, listenForFrames, sendFrame } from './frames.js';

/**
 * Decodes an image in another process, which is killed after `maxMilliseconds`: native code cannot be stopped in any other way. A
 * file that crashes the decoder ends only that process. Processes are reused, and end after ten seconds without work.
 *
 * The time that an image waits for a process does not count.
 *
 * @param name - Name of the image in messages.
 * @returns Null if no process can be started: in a bundled program, or if Node's permissions forbid it.
 * @throws FerError `TIMEOUT`; `DECODE` also when the process ends twice; as `decodeBytes`.
 */
export async function decodeApart(
  bytes: Uint8Array,
  format: ImageFormat,
  limits: DecodeLimits,
  name: string,
): Promise<PixelImage | null> {
  if (performance.now() < startAgainAt) return null;
  // Headers that only native code reads are read in the other process.
  const work = await decodeWork(bytes, format, () => Promise.reject());
  const held = work?.bytes ?? MOST_MEMORY;
  await slots.take(1);
  await memory.take(held);
  try {
    let reason = '';
    for (let tries = 0; tries < 2; tries++) {
      const decoder = idle.pop() ?? (await DecodeProcess.start());
      if (decoder === null) return null;
      const outcome = await decoder.decode({ format, limits, name }, bytes);
      if (typeof outcome !== 'string') return imageOf(outcome);
      reason = outcome;
    }
    throw new FerError('DECODE', `${name} cannot be decoded: its decoding process ended twice, with ${reason}`);
  } finally {
    memory.give(held);
    slots.give(1);
  }
}

const memory = new ByteBudget(MOST_MEMORY);

/** Number of processes; a thread of a pool shares the machine with other threads. */
const slots = new ByteBudget(isMainThread ? Math.min(availableParallelism(), 4) : 1);

const idle: DecodeProcess[] = [];

/** Time of the last failed start of a process. */
let startAgainAt = 0;

function imageOf({ header, bytes }: Frame<DecodeAnswer>): PixelImage {
  if (header.kind === 'error') throw new FerError(header.code, header.message);
  const { width, height, channels } = header as DecodeAnswer & { kind: 'image' };
  return { data: bytes, width, height, channels };
}

class DecodeProcess {
  readonly #process: ChildProcessByStdio<Socket, Socket, null>;
  /** How the process ended. */
  #end: string | undefined;
  #onAnswer: (answer: Frame<DecodeAnswer>) => void = () => {};
  #onEnd: (reason: string) => void = () => {};
  #idleTimer: NodeJS.Timeout | undefined;

  private constructor(program: string) {
    this.#process = spawn(process.execPath, [program], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // Electron would open another window.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      windowsHide: true,
    }) as ChildProcessByStdio<Socket, Socket, null>;
    const ended = (reason: string) => {
      this.#end ??= reason;
      if (idle.includes(this)) idle.splice(idle.indexOf(this), 1);
      this.#onEnd(reason);
    };
    this.#process.on('error', (error) => ended(error.message));
    this.#process.on('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
    // The exit reports the reason.
    this.#process.stdin.on('error', () => {});
    listenForFrames<DecodeAnswer>(this.#process.stdout, (answer) => this.#onAnswer(answer));
  }

  /** @returns Null if it cannot be started; the next try is after a minute. */
  static async start(): Promise<DecodeProcess | null> {
    let timer: NodeJS.Timeout | undefined;
    try {
      // The built file, even when running from the sources.
      const manifest = createRequire(import.meta.url).resolve('fer-dcnn/package.json');
      const started = new DecodeProcess(join(dirname(manifest), 'dist/node/decode-process.js'));
      timer = setTimeout(() => started.#process.kill('SIGKILL'), START_MS);
      if (typeof (await started.#next()) !== 'string') return started;
    } catch {
      // No package folder, or no permission.
    } finally {
      clearTimeout(timer);
    }
    startAgainAt = performance.now() + START_AGAIN_MS;
    return null;
  }

  /** @returns The answer, or how the process ended. @throws FerError `TIMEOUT`. */
  async decode(request: DecodeRequest, bytes: Uint8Array): Promise<Frame<DecodeAnswer> | string> {
    clearTimeout(this.#idleTimer);
    this.#hold('ref');
    const { name, limits } = request;
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<never>((_, reject) => {
      const late = () => {
        reject(timeoutOf(name, limits.maxMilliseconds));
        this.#process.kill('SIGKILL');
      };
      timer = setTimeout(late, Math.min(limits.maxMilliseconds, LONGEST_TIMER));
    });
    const answered = this.#next();
    sendFrame(this.#process.stdin, request, bytes);
    try {
      const answer = await Promise.race([answered, timeUp]);
      if (typeof answer !== 'string') this.#rest();
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next answer, or how the process ended. */
  #next(): Promise<Frame<DecodeAnswer> | string> {
    return new Promise((resolve) => {
      if (this.#end !== undefined) resolve(this.#end);
      this.#onAnswer = resolve;
      this.#onEnd = resolve;
    });
  }

  /** Waits for the next image, without keeping this program alive. */
  #rest(): void {
    this.#hold('unref');
    idle.push(this);
    this.#idleTimer = setTimeout(() => {
      idle.splice(idle.indexOf(this), 1);
      this.#process.kill('SIGKILL');
    }, IDLE_MS).unref();
  }

  #hold(how: 'ref' | 'unref'): void {
    this.#process[how]();
    this.#process.stdin[how]();
    this.#process.stdout[how]();
  }
}

const IDLE_MS = 10_000;
const START_MS = 30_000;
const START_AGAIN_MS = 60_000;

/** Timers of more milliseconds than fit in 31 bits fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
