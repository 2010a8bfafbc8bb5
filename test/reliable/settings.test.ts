import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkSettings } from '../../src/cli/check-settings.js';
import { savedSettings } from '../../src/cli/run-folder.js';
import { trainCommand } from '../../src/cli/train.js';

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('settings of a run that is gone on with', () => {
  test.each([
    '{"schedule":"constructor"}',
    '{"augment":"toString"}',
    '{"classWeights":{"length":1000000000}}',
    '{"epochs":"many"}',
    '{"epochs":0}',
    '{"epochs":1e999}',
    '{"batchSize":1.5}',
    '{"workers":100000}',
    '{"learningRate":-1}',
    '{"ema":1}',
    '{"val":5}',
    '{"model":""}',
    '{"skipUnreadable":"yes"}',
    '{"backend":"\\u001b[2J"}',
    '{"unknown":1}',
    '{"__proto__":{"epochs":1}}',
    '{"constructor":1}',
    '[]',
    'null',
    '5',
  ])('%s is refused', async (text) => {
    writeFileSync(join(folder, 'settings.json'), text);
    await expect(savedSettings(folder)).rejects.toMatchObject({
      name: 'FerError',
      code: 'CHECKPOINT',
      message: expect.stringContaining('settings.json'),
    });
  });

  test('a file of a gigabyte is not read', async () => {
    const { truncateSync } = await import('node:fs');
    truncateSync(join(folder, 'settings.json'), 2 ** 30);
    await expect(savedSettings(folder)).rejects.toMatchObject({ code: 'CHECKPOINT' });
  });

  test('every choice of every option of the command is taken', () => {
    for (const option of trainCommand().options) {
      const name = option.attributeName();
      for (const choice of option.argChoices ?? [])
        expect(checkSettings({ [name]: choice }, 'it')).toEqual({ [name]: choice });
    }
    const settings = {
      ...{ val: false, test: 'a', model: 'pretrained', exclude: 'b', votes: 'c', skipUnreadable: true },
      ...{ epochs: 3, patience: 1, batchSize: 32, seed: 0, workers: 2 },
      ...{ learningRate: 1e-3, weightDecay: 0.1, ema: 0.999 },
    };
    expect(checkSettings(settings, 'it')).toEqual(settings);
    const kept = trainCommand()
      .options.map((option) => option.attributeName())
      .filter((name) => !['out', 'resume', 'images', 'quiet', 'json'].includes(name));
    for (const name of kept) {
      expect(() => checkSettings({ [name]: {} }, 'it')).toThrow(
        expect.objectContaining({ message: `it: ${name} cannot be {}` }),
      );
    }
  });
});
