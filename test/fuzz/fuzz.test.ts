import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { numberBetween, wholeNumber } from '../../src/cli/numbers.js';
import { errorLine } from '../../src/cli/report-error.js';
import { readExclusions } from '../../src/folders/exclusions.js';
import { readVotes } from '../../src/folders/votes.js';
import { isList } from '../../src/image/is-list.js';
import { toInput } from '../../src/image/to-input.js';
import { toPixels } from '../../src/image/to-pixels.js';
import { buildModel, classify, preprocess } from '../../src/index.js';
import { createClassifier as createLiteClassifier } from '../../src/lite.js';
import { itemOf, itemsOf, jobDataOf, schemeOf } from '../../src/queue/items.js';
import { fromFiles, type ModelFiles, toFiles } from '../../src/tfjs/model/artifacts.js';
import { quantize } from '../../src/tfjs/model/quantize.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/tfjs/train/checkpoint.js';
import { ppmImages } from '../../src/video/ppm-images.js';
import fc from '../fast-check.js';
import { oddInput, oddNumber, oddOptions, oddPixels } from './hostile-values.js';
import { changes, mutate, mutateJson, oddJson } from './mutate.js';
import { outcome } from './outcome.js';
import { fuzz, TIME, watchProcess } from './run-cases.js';

/*
 * Hostile input of every kind: a right answer or a FerError, within two seconds, in bounded memory. `npm run fuzz -- --cases
 * 200000` runs more of it. What breaks is left in test/fuzz/found and belongs, mended, into test/fuzz/regressions.
 */
const LIMIT = 1e6;

/** In memory where there is such a place: a file is written for each case. */
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'fer-dcnn-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

watchProcess();

const FORMATS = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const;

describe('bytes of images', () => {
  const originals = new Map<string, Uint8Array[]>();
  beforeAll(async () => {
    const noise = Uint8Array.from({ length: 24 * 20 * 4 }, (_, k) => (k * 7919 + (k >> 3) * 131) % 256);
    const picture = sharp(noise, { raw: { width: 24, height: 20, channels: 4 } });
    const grey = sharp(noise, { raw: { width: 40, height: 48, channels: 1 } }).withMetadata({ orientation: 6 });
    for (const format of FORMATS) {
      const options = format === 'avif' ? { effort: 0 } : {};
      originals.set(format, [
        new Uint8Array(await picture.clone().toFormat(format, options).toBuffer()),
        new Uint8Array(await grey.clone().toFormat(format, options).toBuffer()),
      ]);
    }
    originals
      .get('jpeg')!
      .push(new Uint8Array(await picture.clone().jpeg({ progressive: true }).withIccProfile('p3').toBuffer()));
    originals
      .get('png')!
      .push(new Uint8Array(await picture.clone().png({ palette: true, progressive: true }).toBuffer()));
    originals
      .get('tiff')!
      .push(new Uint8Array(await picture.clone().tiff({ tile: true, compression: 'lzw' }).toBuffer()));
  });

  test.each(FORMATS)('%s', { timeout: TIME }, async (format) => {
    const counts = await fuzz(
      format,
      format === 'avif' ? 0.04 : 0.08,
      fc.tuple(fc.nat(2), changes, fc.boolean()).map(([which, list, known]) => {
        const choice = originals.get(format)!;
        const original = choice[which % choice.length];
        const bytes = mutate(original, list);
        // Half of them are still known as their format, so that they reach its decoder.
        if (known && bytes.length > 16) bytes.set(original.subarray(0, 16));
        return bytes;
      }),
      async (bytes) => {
        const { data, width, height, channels } = await toPixels(bytes, { maxPixels: LIMIT, maxFrames: 50 });
        if (data.length !== width * height * channels || width * height > LIMIT) throw new Error('wrong pixels');
      },
      { bytesOf: (bytes) => bytes },
    );
    // The fuzzer would be no good if nothing got through, or everything.
    expect(counts.DECODE).toBeGreaterThan(0);
  });
});

describe('values', () => {
  const one = fc.oneof(oddInput, oddPixels);
  const several = fc.array(one, { maxLength: 3 }).map((list) => () => list.map((make) => make()));
  const input: fc.Arbitrary<() => unknown> = fc.oneof({ weight: 3, arbitrary: one }, several);

  test('preprocess', { timeout: TIME }, async () => {
    const counts = await fuzz('preprocess', 0.14, fc.tuple(input, oddOptions), async ([make, options]) => {
      const image = make();
      const values = await toInput(image as never, options as never);
      if (values.length === 0 || !values.every(Number.isFinite)) throw new Error('wrong values');
    });
    expect(Object.keys(counts).length).toBeGreaterThan(4);
    const xs = await preprocess({ data: new Uint8Array(4), width: 2, height: 2, channels: 1 });
    expect(xs.shape).toEqual([1, 32, 32, 1]);
    xs.dispose();
  });

  test('classify', { timeout: TIME }, async () => {
    // Most odd options are none of classify's, and refused: half of the cases have none.
    const options = fc.option(oddOptions, { nil: undefined, freq: 1 });
    const counts = await fuzz('classify', 0.1, fc.tuple(input, options), async ([make, options]) => {
      const image = make();
      const answer = await classify(image as never, options as never);
      const lists = (isList(image as never) ? answer : [answer]) as unknown as { probability: number }[][];
      for (const list of lists) {
        const sum = list.reduce((total, { probability }) => total + probability, 0);
        if (!(list.length >= 1 && sum > 0 && sum < 1 + 1e-5)) throw new Error(`probabilities sum to ${sum}`);
        if (list.length === 5 && sum < 1 - 1e-5) throw new Error(`probabilities sum to ${sum}`);
      }
    });
    expect(counts.answer).toBeGreaterThan(0);
  });
});

describe('files', () => {
  const how = fc.constantFrom('replace' as const, 'delete' as const, 'add' as const, 'pollute' as const);
  const where = fc.double({ min: 0, max: 1, noNaN: true });

  /** A small file on disk of the given bytes. */
  function onDisk(name: string, bytes: Uint8Array): string {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  test('model.json and its binary', { timeout: TIME }, async () => {
    const model = buildModel({ seed: 1 });
    const { json, binary } = toFiles(model, { quantize: 'uint8' });
    model.dispose();
    // The binary's sha256 would hide all else.
    delete (json.userDefinedMetadata as Record<string, Record<string, unknown>>)['fer-dcnn'].sha256;
    await fuzz('model-json', 0.03, fc.tuple(where, oddJson, how, fc.boolean()), async ([at, value, kind, short]) => {
      const made = mutateJson(json, at, value, kind);
      const files: ModelFiles = { json: made, binary: short ? binary.subarray(1) : binary };
      (await fromFiles(files)).dispose();
    });
  });

  test('frames of videos, in chunks of any size', { timeout: TIME }, async () => {
    const frame = (width: number, height: number) => [
      Buffer.from(`P6\n${width} ${height}\n255\n`),
      Buffer.alloc(width * height * 3),
    ];
    const whole = Buffer.concat([...frame(4, 3), ...frame(20, 1), ...frame(1, 9)]);
    const counts = await fuzz(
      'ppm',
      0.06,
      fc.tuple(
        changes.map((list) => mutate(whole, list)),
        fc.integer({ min: 1, max: 200 }),
      ),
      async ([bytes, size]) => {
        async function* chunks() {
          for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
        }
        let pixels = 0;
        for await (const { data, width, height } of ppmImages(chunks(), LIMIT)) {
          if (data.length !== width * height * 3 || data.length === 0) throw new Error('wrong pixels');
          pixels += data.length;
        }
        if (pixels > bytes.length) throw new Error('more pixels than bytes');
      },
      { bytesOf: ([bytes]) => bytes },
    );
    expect(counts.answer).toBeGreaterThan(0);
    expect(counts.DECODE).toBeGreaterThan(0);
  });

  test('weights of the network without TF.js', { timeout: TIME }, async () => {
    const whole = readFileSync('weights/weights.bin');
    const counts = await fuzz('lite-weights', 0.02, changes, async (list) => {
      const weights = mutate(whole, list);
      const classifier = createLiteClassifier({ assets: { 'weights.bin': weights } });
      await classifier.classify({ data: new Uint8Array(4), width: 2, height: 2, channels: 1 });
      if (!whole.equals(weights)) throw new Error('damage not seen');
    });
    expect(counts.WEIGHTS_CORRUPT).toBeGreaterThan(0);
  });

  test('quantisation', { timeout: TIME }, async () => {
    const counts = await fuzz(
      'quantisation',
      0.05,
      fc.tuple(fc.array(fc.float(), { maxLength: 20 }), fc.constantFrom('none', 'uint8', 'uint16'), fc.double()),
      ([values, to, least]) => {
        const { bytes } = quantize(Float32Array.from(values), to as never, least);
        if (bytes.length === 0 && values.length > 0) throw new Error('no bytes');
      },
    );
    expect(counts.answer).toBeGreaterThan(0);
  });

  test('checkpoints', { timeout: TIME }, async () => {
    const whole = encodeCheckpoint({
      state: { epoch: 1, history: { loss: [1] } },
      arrays: [new Float32Array(9), new Float32Array(3)],
    });
    const counts = await fuzz(
      'checkpoint',
      0.12,
      changes.map((list) => mutate(whole, list)),
      (bytes) => {
        const { arrays } = decodeCheckpoint(bytes);
        if (!Buffer.from(bytes).equals(Buffer.from(whole)) || arrays.length !== 2) throw new Error('damage not seen');
      },
      { bytesOf: (bytes) => bytes },
    );
    expect(counts.CHECKPOINT).toBeGreaterThan(0);
  });

  test('votes', { timeout: TIME }, async () => {
    const rows = 'file,angry,happy\n"a,""b.png",1,2\r\nb.png,0,1e3\nc.png,0.5,0.5\n';
    const counts = await fuzz(
      'votes',
      0.12,
      fc.oneof(
        changes.map((list) => mutate(Buffer.from(rows), list)),
        fc
          .array(fc.tuple(fc.string({ maxLength: 8 }), oddNumber, oddNumber), { maxLength: 4 })
          .map((cells) => Buffer.from(`file,angry,happy\n${cells.map((row) => row.map(String).join(',')).join('\n')}`)),
      ),
      (bytes) => {
        for (const row of readVotes(onDisk('votes.csv', bytes), ['angry', 'happy']).values()) {
          if (Math.abs(row[0] + row[1] - 1) > 1e-6) throw new Error(`votes sum to ${row[0] + row[1]}`);
        }
      },
      { bytesOf: (bytes) => bytes },
    );
    expect(counts.answer).toBeGreaterThan(0);
    expect(counts.DATA).toBeGreaterThan(0);
  });

  test('lists of exclusions', { timeout: TIME }, async () => {
    const list = Buffer.from('# remark\na.png\n"b\\nc.png"\r\n../d.png\n');
    const bytes = changes.map((each) => mutate(list, each));
    await fuzz('exclusions', 0.04, bytes, (each) => readExclusions(onDisk('exclude.txt', each)), {
      bytesOf: (each) => each,
    });
  });

  test('queue payloads', { timeout: TIME }, async () => {
    const data = JSON.parse(JSON.stringify(jobDataOf([itemOf('a.png'), itemOf(new Uint8Array([1, 2, 3]))])));
    await fuzz(
      'queue',
      0.08,
      fc.oneof(
        oddJson,
        fc.tuple(where, oddJson, how).map(([at, v, k]) => mutateJson(data, at, v, k)),
      ),
      (value) => {
        for (const { ref, id, bytes } of itemsOf(value)) {
          if (typeof ref !== 'string' || typeof id !== 'string') throw new Error('an item without reference');
          if (bytes !== undefined && !(bytes instanceof Uint8Array)) throw new Error('bytes that are none');
          schemeOf(ref);
        }
      },
    );
  });
});

test('numbers and errors on the command line', { timeout: TIME }, async () => {
  await fuzz(
    'cli',
    0.04,
    fc.tuple(
      fc.oneof(fc.string(), fc.double().map(String)),
      fc.array(fc.nat(0xffff), { maxLength: 30 }).map((codes) => String.fromCharCode(...codes)),
    ),
    ([text, subject]) => {
      for (const parse of [wholeNumber(1, 100), numberBetween(0, 1)]) {
        try {
          const value = parse(text);
          if (!(value > 0 && value <= 100)) throw new Error(`${text} was read as ${value}`);
        } catch (error) {
          if ((error as { code?: string }).code !== 'commander.invalidArgument') throw error;
        }
      }
      const line = errorLine(new Error(String(text)), subject);
      if (/\p{Cc}/u.test(line.slice(0, -1))) throw new Error('control characters on the terminal');
    },
  );
});

describe('inputs that once failed', () => {
  const root = 'test/fuzz/regressions';
  /** What is done with an input of each target that keeps its bytes. */
  const targets: Record<string, (bytes: Uint8Array) => unknown> = {
    ...Object.fromEntries(FORMATS.map((format) => [format, (bytes) => toPixels(bytes, { maxPixels: LIMIT })])),
    checkpoint: decodeCheckpoint,
    exclusions: (bytes) => {
      const path = join(folder, 'again.txt');
      writeFileSync(path, bytes);
      readExclusions(path);
    },
    votes: (bytes) => {
      const path = join(folder, 'again.csv');
      writeFileSync(path, bytes);
      for (const [angry, happy] of readVotes(path, ['angry', 'happy']).values()) {
        if (Math.abs(angry + happy - 1) > 1e-6) throw new Error(`votes sum to ${angry + happy}`);
      }
    },
  };
  const kept = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(root, name)).map((file) => ({ target: name, file })));

  test.each(kept)('$target: $file', async ({ target, file }) => {
    const bytes = new Uint8Array(readFileSync(join(root, target, file)));
    expect(targets).toHaveProperty(target);
    expect(await outcome(target, bytes, () => targets[target](bytes))).toMatch(/^\w+$/);
  });
});
