import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** `fer-dcnn worker`, as it is built, in a process of its own. */
export class WorkerProcess {
  readonly process: ChildProcess;
  readonly #ended: Promise<unknown>;
  stderr = '';

  constructor(args: readonly string[], more: Record<string, string> = {}) {
    const { NODE_OPTIONS: _, NODE_ENV: __, VITEST: ___, ...env } = process.env;
    this.process = spawn(process.execPath, ['dist/node/cli.js', 'worker', '--quiet', ...args], {
      env: { ...env, ...more },
    });
    this.process.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#ended = once(this.process, 'exit');
  }

  /** Sends a signal and waits for the end. @returns The exit code, null after SIGKILL. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.process.kill(signal);
    await this.#ended;
    return this.process.exitCode;
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }
}

/** A line of a results file. */
export interface ResultLine {
  item: string;
  predictions?: { className: string; probability: number }[];
  faces?: { box: object; score: number; predictions: { className: string; probability: number }[] }[];
  error?: { code: string; message: string };
}

/** Every line of results files; throws for a line that is not a result. */
export function readResults(files: readonly string[]): ResultLine[] {
  return files.flatMap((file) => {
    const lines = readFileSync(file, 'utf8').split('\n');
    if (lines.pop() !== '') throw new Error(`${file} ends in half a line`);
    return lines.map((line) => JSON.parse(line) as ResultLine);
  });
}
