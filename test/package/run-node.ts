import { spawn } from 'node:child_process';

/** The Node that is tested: this one, or that of `npm run test:node-versions`. */
export const NODE = process.env.FER_NODE ?? process.execPath;

export interface NodeRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs Node in a process of its own, without what the test runner put into the environment. */
export function runNode(args: string[], cwd: string, env: Record<string, string> = {}): Promise<NodeRun> {
  return runProgram(NODE, args, cwd, env);
}

/** The same for any program. */
export function runProgram(
  program: string,
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<NodeRun> {
  const { NODE_OPTIONS: _, NODE_ENV: __, VITEST: ___, ...clean } = process.env;
  const child = spawn(program, args, { cwd, env: { ...clean, ...env } });
  // Nothing comes from there: a program that reads it is not kept waiting.
  child.stdin.end();
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs a program given as text, as `module` or `commonjs`; its standard output is JSON. */
export async function nodeJson<T>(type: 'module' | 'commonjs', program: string, cwd: string): Promise<T> {
  const { code, stdout, stderr } = await runNode([`--input-type=${type}`, '--eval', program], cwd);
  if (code !== 0 || stderr !== '') throw new Error(`exit code ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as T;
}
