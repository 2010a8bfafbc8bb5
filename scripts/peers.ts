/**
 * Measures this package's weights and those of its peers on the same faces, in one run, on one thread:
 * `npm run peers [folder of FER+]`, by default `../shared/ferplus`; it takes some minutes.
 * Writes `docs/peers.json`, and the figures in README.md; `npm run peers -- --figures` writes README.md alone, from what was
 * measured before and from the figures that the weights carry.
 *
 * Every network gets the whole 48x48 crop, resized in its own way, and answers with the most probable of the five emotions.
 * Classes that only a peer has (disgust, fear) are ignored.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs-core';
import { createClassifier, EMOTIONS, type Emotion, type PixelImage, useBackend } from '../src/index.js';
import { imageFolder } from '../src/node.js';
import { PEERS_FILE, type Peer, readmeFigures } from './readme-figures.js';

interface Network extends Pick<Peer, 'name' | 'version' | 'trains' | 'saysAccuracy'> {
  weightFiles: string[];
  answer(face: PixelImage): Promise<Emotion>;
}

const require = createRequire(import.meta.url);

const flags = process.argv.slice(2);
if (!flags.includes('--figures')) {
  const faces = imageFolder(join(flags[0] ?? '../shared/ferplus', 'valid'));
  await useBackend('wasm');
  const peers: Peer[] = [];
  for (const open of [ours, faceApi, human]) {
    const network = await open();
    const peer = await measure(network, faces);
    console.log(peer);
    peers.push(peer);
  }
  writeFileSync(
    PEERS_FILE,
    `${JSON.stringify({ faces: faces.files.length, node: process.version, peers }, null, 2)}\n`,
  );
}
writeFileSync('README.md', readmeFigures(readFileSync('README.md', 'utf8')));
spawnSync('npx', ['biome', 'format', '--write', 'README.md'], { stdio: 'inherit' });

async function measure(network: Network, faces: ReturnType<typeof imageFolder>): Promise<Peer> {
  const right = EMOTIONS.map(() => 0);
  const count = EMOTIONS.map(() => 0);
  const times: number[] = [];
  for await (const { image, label } of faces) {
    const start = process.cpuUsage();
    const answer = await network.answer(image as PixelImage);
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
    count[label as number]++;
    if (answer === EMOTIONS[label as number]) right[label as number]++;
  }
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  times.sort((a, b) => a - b);
  const { name, version, trains, saysAccuracy, weightFiles } = network;
  return {
    name,
    version,
    accuracy: sum(right) / sum(count),
    macroRecall: sum(right.map((hits, c) => hits / count[c])) / EMOTIONS.length,
    milliseconds: times[times.length >> 1],
    weights: sum(weightFiles.map((file) => statSync(file).size)),
    weightsBrotli: sum(weightFiles.map((file) => brotliCompressSync(readFileSync(file)).length)),
    installed: installSize(name),
    trains,
    saysAccuracy,
  };
}

async function ours(): Promise<Network> {
  const classifier = createClassifier({ backend: 'simd' });
  await classifier.load();
  return {
    name: 'fer-dcnn',
    version: JSON.parse(readFileSync('package.json', 'utf8')).version,
    trains: 'yes',
    saysAccuracy: 'yes',
    weightFiles: ['weights/weights.bin'],
    answer: async (face) => (await classifier.classify(face, { topk: 1 }))[0].className,
  };
}

/** The expression network of @vladmandic/face-api: 112x112, seven expressions. */
async function faceApi(): Promise<Network> {
  const folder = dirname(require.resolve('@vladmandic/face-api/package.json'));
  const api = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
  const net = api.nets.faceExpressionNet;
  await net.loadFromDisk(join(folder, 'model'));
  return {
    name: '@vladmandic/face-api',
    version: require('@vladmandic/face-api/package.json').version,
    trains: 'no',
    saysAccuracy: 'no',
    weightFiles: [join(folder, 'model/face_expression_model.bin')],
    async answer(face) {
      const pixels = tf.tidy(() => rgb(face));
      const found = await net.predictExpressions(pixels);
      pixels.dispose();
      return best(EMOTIONS.map((emotion) => found[emotion]));
    },
  };
}

/** The emotion network of @vladmandic/human: 64x64 grey in -1..1, seven emotions, as in its `face.emotion`. */
async function human(): Promise<Network> {
  const { loadGraphModel } = await import('@tensorflow/tfjs-converter');
  // It does not export its package.json.
  const folder = 'node_modules/@vladmandic/human';
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(folder, 'models/emotion.json'), 'utf8'));
  const bytes = readFileSync(join(folder, 'models/emotion.bin'));
  const model = await loadGraphModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs: weightsManifest.flatMap(({ weights }: { weights: unknown[] }) => weights),
      weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
    }),
  );
  const names = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprised', 'neutral'];
  return {
    name: '@vladmandic/human',
    version: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version,
    trains: 'no',
    saysAccuracy: 'no',
    weightFiles: [join(folder, 'models/emotion.bin')],
    async answer(face) {
      const scores = tf.tidy(() => {
        const resized = tf.image.resizeBilinear(tf.div(rgb(face), 255) as tf.Tensor3D, [64, 64]);
        const grey = tf.sum(tf.mul(resized, tf.tensor1d([0.2989, 0.587, 0.114])), 2, true);
        return model.execute(tf.expandDims(tf.mul(tf.sub(grey, 0.5), 2))) as tf.Tensor;
      });
      const values = await scores.data();
      scores.dispose();
      return best(EMOTIONS.map((emotion) => values[names.indexOf(emotion)]));
    },
  };
}

/** Bytes of a package and of everything that npm installs with it, measured in `node_modules`. */
function installSize(name: string): number {
  const seen = new Set<string>();
  const visit = (folder: string): number => {
    if (seen.has(folder) || !existsSync(join(folder, 'package.json'))) return 0;
    seen.add(folder);
    const own = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const optional = Object.keys(own.peerDependenciesMeta ?? {});
    const peers = Object.keys(own.peerDependencies ?? {}).filter((peer) => !optional.includes(peer));
    const needed = [...Object.keys(own.dependencies ?? {}), ...Object.keys(own.optionalDependencies ?? {}), ...peers];
    const below = needed.map((each) => {
      const nested = join(folder, 'node_modules', each);
      return visit(existsSync(nested) ? nested : join('node_modules', each));
    });
    return (folder === '.' ? packedSize() : folderSize(folder)) + below.reduce((a, b) => a + b, 0);
  };
  return visit(name === 'fer-dcnn' ? '.' : join('node_modules', name));
}

function packedSize(): number {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' });
  return JSON.parse(stdout)[0].unpackedSize;
}

function folderSize(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + folderSize(path);
    return sum + statSync(path).size;
  }, 0);
}

function rgb({ data, width, height, channels }: PixelImage): tf.Tensor3D {
  const pixels = tf.tensor3d(Float32Array.from(data), [height, width, channels]);
  return channels === 1 ? tf.tile(pixels, [1, 1, 3]) : (tf.slice(pixels, 0, [-1, -1, 3]) as tf.Tensor3D);
}

function best(scores: number[]): Emotion {
  return EMOTIONS[scores.indexOf(Math.max(...scores))];
}
