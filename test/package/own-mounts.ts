import { spawnSync } from 'node:child_process';
import { NODE, type NodeRun, runProgram } from './run-node.js';

/** Whether this system lets a process have file systems of its own: Linux, where user namespaces are not forbidden. */
export const OWN_MOUNTS =
  process.platform === 'linux' && spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

if (!OWN_MOUNTS)
  console.warn('\n  !! SKIPPED: full and read-only disks need unshare and mount, which do not work here.\n');

/**
 * Runs a script of the shell in which `mount` changes nothing for others: disks that are full, or read-only, as they are also
 * to root. It ends at the first command that fails.
 *
 * @example
 * await runInOwnMounts('mount -t tmpfs -o size=1m tmpfs small; "$NODE" fill.mjs small', cwd);
 */
export function runInOwnMounts(script: string, cwd: string, env: Record<string, string> = {}): Promise<NodeRun> {
  return runProgram('unshare', ['-rm', 'sh', '-euc', script], cwd, { NODE, ...env });
}
