/** Exit codes of the commands. A signal that ends it gives 128 + its number: 130 for Ctrl-C. */
export const EXIT = {
  /** Everything was done. */
  ok: 0,
  /** Part of the work failed: standard error says which part. */
  some: 1,
  /** Wrong usage, or nothing was done: standard error says why. */
  none: 2,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The lines on exit codes at the end of every command's help. */
export function exitCodeHelp(meaning: { ok: string; some?: string; none?: string }): string {
  const { ok, some, none = 'wrong usage, or a required file or service cannot be used: nothing was done' } = meaning;
  const lines = [`  0  ${ok}`];
  if (some !== undefined) lines.push(`  1  ${some}`);
  lines.push(`  2  ${none}`, '  130  stopped by Ctrl-C');
  return `\nExit codes:\n${lines.join('\n')}\n`;
}
