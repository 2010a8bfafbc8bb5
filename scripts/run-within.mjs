import { spawn } from 'node:child_process';

/**
 * Runs a program, and ends it and everything that it started (workers, servers, browsers) when its time is up.
 *
 * @returns Its exit code; null when its time was up or a signal ended it.
 */
export function runWithin(milliseconds, [program, ...args], { env, stdio }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio, detached: true });
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), Math.max(0, milliseconds));
    child.on('error', reject).on('close', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}
