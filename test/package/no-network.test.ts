import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { rows } from '../night.js';
import { writeFaces } from './faces.js';
import { runNode } from './run-node.js';

/*
 * The installed package uses no network: an open connection or a name lookup ends the process, in every
 * thread. test/reliable/no-network.test.ts watches the sources, test/browser the pages.
 */
const { folder } = inject('consumer');
const cwd = join(folder, 'offline');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');
const WATCH = `
  import dgram from 'node:dgram';
  import dns from 'node:dns';
  import { writeSync } from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  import net from 'node:net';
  const forbid = (of, name, what) => {
    of[name] = (...given) => {
      writeSync(2, 'NETWORK: ' + what + ' ' + JSON.stringify(given.flat(2)) + '\\n');
      process.exit(99);
    };
  };
  forbid(net.Socket.prototype, 'connect', 'connect');
  forbid(dgram.Socket.prototype, 'send', 'send');
  for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) {
    forbid(dns, name, name);
    forbid(dns.promises, name, name);
  }
  syncBuiltinESMExports();
  const { fetch } = globalThis;
  globalThis.fetch = (address, ...more) => {
    if (/^(file|data|blob):/.test(String(address?.url ?? address))) return fetch(address, ...more);
    writeSync(2, 'NETWORK: fetch ' + String(address) + '\\n');
    process.exit(99);
  };`;

const offline = (...args: string[]) => offlineIn(cwd, ...args);
const offlineIn = (place: string, ...args: string[]) =>
  runNode(args, place, { NODE_OPTIONS: `--import=${pathToFileURL(join(cwd, 'watch.mjs')).href}` });

beforeAll(async () => {
  mkdirSync(cwd, { recursive: true });
  await writeFaces(cwd);
  writeFileSync(join(cwd, 'watch.mjs'), WATCH);
  writeFileSync(join(cwd, 'thread.mjs'), "import { connect } from 'node:net'; connect(1, '127.0.0.1');");
  for (const emotion of ['angry', 'happy', 'sad', 'neutral', 'surprised']) {
    const faces = join(cwd, 'faces', emotion);
    mkdirSync(faces, { recursive: true });
    await writeFaces(faces);
  }
});

describe('the watch sees', () => {
  test.each(
    rows(
      [
        ['a connection', "(await import('node:net')).connect(1, '127.0.0.1')", /NETWORK: connect/],
        ['a name', "await (await import('node:dns/promises')).lookup('localhost')", /NETWORK: lookup \["localhost"/],
        [
          'a connection of a thread',
          `new (await import('node:worker_threads')).Worker(new URL('thread.mjs', process.argv[1]), { execArgv: [] })`,
          /NETWORK: connect/,
        ],
        ['a request', "(await import('node:http')).get('http://127.0.0.1:1/')", /NETWORK: connect/],
        ['fetch', "await fetch('http://127.0.0.1:1/')", /NETWORK: fetch http:\/\/127\.0\.0\.1:1\//],
      ],
      3,
    ),
  )('%s', async (_, program, seen) => {
    const here = pathToFileURL(join(cwd, '/')).href;
    expect((await offline('--input-type=module', '--eval', program, here)).stderr).toMatch(seen);
  });
});

describe('nothing is asked of the network by', () => {
  test.each(
    rows(
      [
        ['every backend and room', 'fer-dcnn'],
        ['fer-dcnn/standalone', 'fer-dcnn/standalone'],
      ],
      1,
    ),
  )('%s', async (_, entry) => {
    const program = `
      import { buildModel, classify, classifyFaces, evaluate, preprocess, train, useBackend } from '${entry}';
      const grey = { data: new Uint8Array(48 * 48).fill(90), width: 48, height: 48, channels: 1 };
      for (const backend of ['simd', 'wasm', 'cpu']) {
        await useBackend(backend);
        await classify(grey);
      }
      await useBackend('wasm');
      await classifyFaces('face.jpg');
      (await preprocess('face.png')).dispose();
      const samples = Array.from({ length: 5 }, (_, label) => ({ image: grey, label }));
      const model = buildModel({ seed: 1 });
      await train(model, samples, { epochs: 1 });
      console.log((await evaluate(model, samples)).count);`;
    expect(await offline('--input-type=module', '--eval', program)).toEqual({ code: 0, stdout: '5\n', stderr: '' });
  });

  test('fer-dcnn/lite, a pool and a training on threads', async () => {
    const program = `
      import { classify } from './dist/node/lite.js';
      import { buildModel, train, useBackend } from './dist/node/index.js';
      import { ClassifierPool, imageFolder } from './dist/node/node.js';
      const cwd = process.argv[1];
      const pool = new ClassifierPool({ workers: 2 });
      const results = await pool.classify(['face.png', 'face.jpg', 'nowhere.png'].map((file) => cwd + '/' + file));
      await pool.close();
      await useBackend('wasm');
      await train(buildModel({ seed: 1 }), imageFolder(cwd + '/faces'), { epochs: 1, workers: 2 });
      const grey = { data: new Uint8Array(48 * 48).fill(90), width: 48, height: 48, channels: 1 };
      console.log((await classify(grey)).length, results.map(({ error }) => error?.code ?? 'right').join());
      process.exit(0);`;
    // From where piscina is, which the pool needs.
    const told = await offlineIn(resolve('.'), '--input-type=module', '--eval', program, cwd);
    expect(told).toEqual({ code: 0, stdout: '5 right,right,NOT_FOUND\n', stderr: '' });
  });

  test.each(
    rows(
      [
        ['classify', 'face.png', 'face.jpg', '--faces'],
        ['train', 'faces', '--no-val', '--epochs', '1', '--out', 'run', '--quiet'],
        ['evaluate', 'faces', '--model', 'run', '--report', 'report.html', '--quiet'],
        ['check', 'faces'],
        ['split', 'faces', '--ratio', '0.5,0.5', '--out', 'parts'],
        ['convert', 'run', '--to', 'onnx', '--out', 'fer.onnx'],
        ['summary'],
      ],
      1,
    ).map((args) => ({ args, line: args.join(' ') })),
  )('fer-dcnn $line', async ({ args }) => {
    const { code, stdout, stderr } = await offline(cli, ...args);
    // check finds the same picture everywhere, which is 1.
    expect({ code, stderr }).toEqual({ code: args[0] === 'check' ? 1 : 0, stderr: '' });
    expect(stdout).not.toBe('');
  });
});
