import { constants } from 'node:os';
import { EXIT, type ExitCode } from './exit-code.js';
import { type Advice, codeOf, errorLine } from './report-error.js';
import { showStatus, tell } from './status-line.js';

/**
 * Turns the work of a command into its action: errors become one line on standard error and exit code 2. Ctrl-C (and SIGTERM)
 * aborts the signal, so that the work stops safely; a second Ctrl-C ends the process immediately.
 *
 * @param work - Receives the signal, then commander's arguments and options. It returns the exit code.
 * @example
 * new Command('summary').argument('[model]').action(runCommand(async (signal, model?: string) => { … }));
 */
export function runCommand<Args extends unknown[]>(
  work: (signal: AbortSignal, ...args: Args) => Promise<ExitCode>,
  advice: Advice = {},
): (...args: Args) => Promise<void> {
  return async (...args) => {
    const controller = new AbortController();
    let interruptedAt: number | null = null;
    let exitCode = 0;
    const interrupt = (signal: 'SIGINT' | 'SIGTERM') => {
      exitCode = 128 + constants.signals[signal];
      if (interruptedAt === null) {
        interruptedAt = performance.now();
        tell('\nfer-dcnn: stopping; press again to stop immediately\n');
        controller.abort();
      } else if (performance.now() - interruptedAt > ONE_KEYPRESS) {
        process.exit(exitCode);
      }
    };
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    try {
      const answer = await work(controller.signal, ...args);
      process.exitCode = interruptedAt === null ? answer : exitCode;
    } catch (error) {
      const stopped = interruptedAt !== null && codeOf(error) === 'ABORTED';
      if (!stopped) tell(errorLine(error, '', advice));
      if (codeOf(error) === 'UNKNOWN' && process.env.DEBUG !== undefined) console.error(error);
      process.exitCode = stopped ? exitCode : EXIT.none;
    } finally {
      showStatus(null);
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    }
  };
}

/** Milliseconds. Under npx one Ctrl-C comes twice: from the terminal, and passed on by npm. */
const ONE_KEYPRESS = 500;
