/*
 * The start: from the call of `classifyFaces` to the first faces, in new processes of this Node.
 * `npm run build && npx tsx test/bench/first-faces.ts [dist of another build ...]`; the builds take turns.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DRAWN } from '../faces/drawn-images.js';

const PROCESSES = 21;
const folder = mkdtempSync(join(tmpdir(), 'first-faces-'));
const frame = join(folder, 'frame');
writeFileSync(frame, DRAWN['one face, 640x480, RGBA']().data);
const builds = ['dist', ...process.argv.slice(2)].map((path) => resolve(path));
const runs = builds.map(() => [] as Record<string, number>[]);
for (let k = 0; k < PROCESSES; k++) {
  for (const [index, build] of builds.entries()) {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program(build)]);
    if (status !== 0) throw new Error(String(stderr));
    runs[index].push(JSON.parse(String(stdout)));
  }
}
rmSync(folder, { recursive: true });

console.log(`Node ${process.version}, ms: least, median of ${PROCESSES}`);
console.table(
  builds.map((build, index) => ({
    build,
    ...Object.fromEntries(
      Object.keys(runs[index][0]).map((step) => {
        const times = runs[index].map((run) => run[step]).toSorted((a, b) => a - b);
        return [step, `${times[0].toFixed(0)}, ${times[PROCESSES >> 1].toFixed(0)}`];
      }),
    ),
  })),
);

function program(build: string): string {
  return `
    import { readFileSync } from 'node:fs';
    const started = performance.now();
    const image = { data: new Uint8Array(readFileSync(${JSON.stringify(frame)})), width: 640, height: 480, channels: 4 };
    const from = performance.now();
    const { classifyFaces } = await import(${JSON.stringify(join(build, 'node/lite.js'))});
    const imported = performance.now(), before = process.cpuUsage();
    const { length } = await classifyFaces(image);
    const { user, system } = process.cpuUsage(before);
    if (length !== 1) throw new Error('the frame holds one face, ' + length + ' were found');
    console.log(JSON.stringify({
      'process start': started, 'import': imported - from, 'first faces': performance.now() - imported,
      'their processor time': (user + system) / 1000,
    }));`;
}
