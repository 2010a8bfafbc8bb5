/** What a command's exit code says. A signal that ends it gives 128 + its number: 130 for Ctrl-C. */
export const EXIT = {
  /** All was done. */
  ok: 0,
  /** Some of it could not be done: standard error says what. */
  some: 1,
  /** Wrong usage, or nothing could be done: standard error says why. */
  none: 2,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The lines on exit codes that every command's help ends with. */
export function exitCodeHelp(meaning: { ok: string; some?: string; none?: string }): string {
  const {
    ok,
    some,
    none = 'wrong usage, or something that is needed cannot be read or used: nothing was done',
  } = meaning;
  const lines = [`  0  ${ok}`];
  if (some !== undefined) lines.push(`  1  ${some}`);
  lines.push(`  2  ${none}`, '  130  stopped by Ctrl-C');
  return `\nExit codes:\n${lines.join('\n')}\n`;
}
