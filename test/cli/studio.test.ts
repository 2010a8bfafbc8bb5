import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { startStudio } from '../browser/studio-process.js';
import { runNode } from '../package/run-node.js';

const { folder } = inject('consumer');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');

test('the studio prints its address, answers there, and ends by Ctrl-C', async () => {
  const studio = await startStudio(folder, join(folder, 'studio-runs'));
  try {
    expect(studio.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/pictures\/#token=[0-9a-f]{32}$/);
    const page = await fetch(studio.address);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<title>Your pictures</title>');
  } finally {
    expect(await studio.stop()).toBe(130);
  }
});

test('a port that is taken, or none, is one line and exit code 2', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const port = String((other.address() as AddressInfo).port);
  try {
    const { code, stdout, stderr } = await runNode([cli, 'studio', '--no-open', '--port', port], folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      `fer-dcnn: port ${port} cannot be used: another program uses it (another --port, or none) [OPTION]\n`,
    );
  } finally {
    other.close();
  }
  for (const wrong of ['0', '65536', 'http']) {
    expect((await runNode([cli, 'studio', '--port', wrong], folder)).code).toBe(2);
  }
});
