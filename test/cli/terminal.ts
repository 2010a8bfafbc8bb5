import { spawnSync } from 'node:child_process';

/** Whether programs can be run in a pseudo-terminal here: with `script` of util-linux. */
export const TERMINAL = spawnSync('script', ['--version']).status === 0;

/**
 * Runs a shell command line with standard error, and unless redirected standard output, in a pseudo-terminal.
 *
 * @returns Its exit code, and what the terminal shows at the end: lines as they are after all that was overwritten or deleted.
 */
export function runInTerminal(
  command: string,
  cwd: string,
  env: Record<string, string> = {},
): { code: number | null; shown: string[] } {
  const { NODE_OPTIONS: _, NODE_ENV: __, VITEST: ___, ...clean } = process.env;
  const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
    cwd,
    env: { ...clean, TERM: 'xterm', SHELL: '/bin/sh', ...env },
    encoding: 'utf8',
    input: '',
  });
  return { code: status, shown: screen(stdout) };
}

const ESCAPE = '\u001b';

/** What a terminal of endless size shows of an output, as far as our programs use it. */
export function screen(output: string): string[] {
  const rows = [''];
  let column = 0;
  for (const [piece] of output.matchAll(new RegExp(`${ESCAPE}\\[\\d*[A-Za-z]|[\\s\\S]`, 'gu'))) {
    const row = rows.length - 1;
    if (piece === '\n') rows.push('');
    if (piece === '\r' || piece === '\u001b[1G') column = 0;
    else if (piece === '\u001b[K' || piece === '\u001b[0K' || piece === '\u001b[0J')
      rows[row] = rows[row].slice(0, column);
    else if (piece === '\n') column = 0;
    else {
      rows[row] = rows[row].slice(0, column).padEnd(column) + piece + rows[row].slice(column + piece.length);
      column += piece.length;
    }
  }
  while (rows.at(-1) === '') rows.pop();
  return rows.map((row) => row.trimEnd());
}
