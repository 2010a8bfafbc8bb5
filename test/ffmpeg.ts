import { spawnSync } from 'node:child_process';

/** Whether ffmpeg is installed; a warning is printed if it is not: tests that need it are then skipped. */
export function hasFfmpeg(): boolean {
  const found = spawnSync('ffmpeg', ['-version']).status === 0 && spawnSync('ffprobe', ['-version']).status === 0;
  if (!found)
    console.warn('\n  !! SKIPPED: no ffmpeg on PATH; nothing is tested on videos. Debian: apt-get install ffmpeg\n');
  return found;
}

/** Makes a clip, in `cwd`. */
export function ffmpeg(cwd: string, ...args: string[]): void {
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], { cwd });
  if (status !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${stderr}`);
}
