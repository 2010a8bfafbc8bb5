import cliProgress from 'cli-progress';
import { printable } from './printable.js';

export interface ProgressOptions {
  /** What is going on: "reading", "epoch 3/10". */
  label: string;
  /** How many there are to do; without a number the count alone is shown. */
  total?: number;
  /** What is counted, in the plural: "images". */
  unit: string;
  /** Shows nothing at all. */
  quiet?: boolean;
}

/** How far something is, on standard error: a bar on a terminal, plain lines now and then elsewhere. */
export interface Progress {
  /** So many more are done. */
  advance(by?: number): void;
  /** So many are done. */
  at(done: number): void;
  /** What is going on now. */
  label(text: string): void;
  /** Prints text that stays, above the bar; also with `quiet`, since it is for what must be told. */
  print(text: string): void;
  /** Takes the bar away; what follows starts on a line of its own. */
  end(): void;
}

/**
 * Shows how far something is, with rate and time left.
 *
 * @example
 * const progress = startProgress({ label: 'reading', total: files.length, unit: 'images', quiet });
 * for (const file of files) { …; progress.advance(); }
 * progress.end();
 */
export function startProgress(options: ProgressOptions): Progress {
  if (options.quiet) return silent;
  const terminal = process.stderr.isTTY === true && process.env.TERM !== 'dumb';
  return terminal ? bar(options) : lines(options);
}

// --- below this line: the three ways ---

const silent: Progress = {
  advance() {},
  at() {},
  label() {},
  print: (text) => process.stderr.write(text),
  end() {},
};

function bar({ label, total, unit }: ProgressOptions): Progress {
  const shape = total === undefined ? '' : '{bar} {percentage}%  ';
  const bars = new cliProgress.MultiBar(
    {
      stream: process.stderr,
      format: `{label}  ${shape}{count}`,
      fps: 10,
      clearOnComplete: true,
      // A process that is killed could bring back neither the cursor nor the wrapping of lines.
      hideCursor: null,
      linewrap: true,
      forceRedraw: true,
    },
    cliProgress.Presets.shades_classic,
  );
  const clock = startClock(total, unit);
  let done = 0;
  let ended = false;
  let text = printable(label);
  const one = bars.create(total ?? 1, 0, { label: text, count: clock.count(0) });
  const show = () =>
    one.update(total === undefined ? 0 : Math.min(done, total), { label: text, count: clock.count(done) });
  return {
    advance(by = 1) {
      done += by;
      show();
    },
    at(count) {
      done = count;
      show();
    },
    label(next) {
      text = printable(next);
      show();
    },
    print: (line) => bars.log(line),
    end() {
      if (ended) return;
      ended = true;
      bars.stop();
    },
  };
}

function lines({ label, total, unit }: ProgressOptions): Progress {
  const clock = startClock(total, unit);
  let done = 0;
  let text = printable(label);
  let told = performance.now();
  const show = () => {
    if (performance.now() - told < LINE_EVERY) return;
    told = performance.now();
    process.stderr.write(`${text}  ${clock.count(done)}\n`);
  };
  return {
    advance(by = 1) {
      done += by;
      show();
    },
    at(count) {
      done = count;
      show();
    },
    label(next) {
      text = printable(next);
    },
    print: (line) => process.stderr.write(line),
    end() {},
  };
}

/** Milliseconds between plain lines. */
const LINE_EVERY = 10_000;

/** "1,203 of 2,000 images  312/s  0:03 left" */
function startClock(total: number | undefined, unit: string): { count(done: number): string } {
  const began = performance.now();
  let before: number | undefined;
  return {
    count(done) {
      // What was done before, such as epochs before a training went on, says nothing about the rate.
      if (done > 0) before ??= done - 1;
      const of = total === undefined ? '' : ` of ${total.toLocaleString('en')}`;
      const counted = `${done.toLocaleString('en')}${of} ${unit}`;
      const seconds = (performance.now() - began) / 1000;
      const rate = (done - (before ?? 0)) / seconds;
      if (rate <= 0 || seconds < 0.5) return counted;
      const left = total === undefined ? '' : `  ${duration((total - done) / rate)} left`;
      return `${counted}  ${rate >= 10 ? Math.round(rate).toLocaleString('en') : rate.toFixed(1)}/s${left}`;
    },
  };
}

/** Seconds as 0:07, 12:34 or 1:02:03. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
