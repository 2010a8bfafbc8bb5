import { safeText } from '../safe-text.js';
import { showStatus, tell } from './status-line.js';

export interface ProgressOptions {
  /** The current work: "reading", "epoch 3/10". */
  label: string;
  /** Number of items; without it, only the count is shown. */
  total?: number;
  /** Unit of the items, in the plural: "images". */
  unit: string;
  /** Shows nothing at all. */
  quiet?: boolean;
}

/** Progress on standard error: a bar on a terminal, occasional plain lines elsewhere. `tell` prints above it. */
export interface Progress {
  /** Adds to the number of finished items. */
  advance(by?: number): void;
  /** Sets the number of finished items. */
  at(done: number): void;
  /** Sets the current work. */
  label(text: string): void;
  /** Removes the bar; later output starts on a new line. */
  end(): void;
}

/**
 * Shows progress, with rate and time left.
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

const silent: Progress = {
  advance() {},
  at() {},
  label() {},
  end() {},
};

function bar({ label, total, unit }: ProgressOptions): Progress {
  const clock = startClock(total, unit);
  let done = 0;
  let ended = false;
  let text = safeText(label);
  let drawn = Number.NEGATIVE_INFINITY;
  const draw = () => {
    drawn = performance.now();
    showStatus(`${text}  ${total === undefined ? '' : `${blocks(done / total)}  `}${clock.count(done)}`);
  };
  const show = () => {
    if (!ended && performance.now() - drawn >= DRAW_EVERY) draw();
  };
  draw();
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
      text = safeText(next);
      show();
    },
    end() {
      if (ended) return;
      ended = true;
      showStatus(null);
    },
  };
}

/** Milliseconds between two drawings of a bar. */
const DRAW_EVERY = 100;

/** "██████░░░░ 60%" */
function blocks(share: number): string {
  const part = Math.min(1, Math.max(0, share || 0));
  const full = Math.round(BLOCKS * part);
  return `${'█'.repeat(full)}${'░'.repeat(BLOCKS - full)} ${Math.floor(100 * part)}%`;
}

const BLOCKS = 30;

function lines({ label, total, unit }: ProgressOptions): Progress {
  const clock = startClock(total, unit);
  let done = 0;
  let text = safeText(label);
  let told = performance.now();
  const show = () => {
    if (performance.now() - told < LINE_EVERY) return;
    told = performance.now();
    tell(`${text}  ${clock.count(done)}\n`);
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
      text = safeText(next);
    },
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
      // Earlier work, such as the epochs before a training was resumed, does not count for the rate.
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
