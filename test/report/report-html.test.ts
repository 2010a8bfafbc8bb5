import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { html } from '../../src/report/html.js';
import { reportConclusion } from '../../src/report/report-conclusion.js';
import { reportHtml } from '../../src/report/report-html.js';
import { measure } from '../../src/tfjs/evaluate/metrics.js';

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

// 3 of 4 "a" are right, surely; the one "b" is taken for "a", surely.
const evaluation = measure(
  Float32Array.from([0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.1, 0.9, 0.9, 0.1]),
  Float32Array.from([1, 0, 1, 0, 1, 0, 1, 0, 0, 1]),
  ['a', 'b'],
);
const training = {
  history: {
    loss: [2, 1, 0.5],
    accuracy: [0.2, 0.5, 0.7],
    learningRate: [1e-3, 1e-3, 1e-3],
    valLoss: [1.5, 1, 1.4],
    valAccuracy: [0.3, 0.6, 0.6],
    valMacroRecall: [0.3, 0.6, 0.6],
  },
  best: { epoch: 2, loss: 1, accuracy: 0.5, learningRate: 1e-3 },
  stoppedAt: 3,
};
const content = { title: 'first', measuredOn: 'faces/val', evaluation, model: 'Model: "fer_dcnn"' };

describe('reportHtml', () => {
  test('is one page that needs nothing else: no script, no outside address', async () => {
    const file = join(folder, 'face.png');
    await sharp({ create: { width: 300, height: 200, channels: 3, background: '#888888' } })
      .png()
      .toFile(file);
    const mistakes = [{ file, truth: 'a', said: 'b', probability: 0.9 }];
    const page = await reportHtml({ ...content, training, mistakes, tables: { Settings: { epochs: '3' } } });
    expect(/<script|<link|<iframe|@import|url\(/i.exec(page)).toBe(null);
    for (const [, address] of page.matchAll(/(?:src|srcset|href)="([^"]*)"/g)) expect(address).toMatch(/^data:image\//);
    for (const name of [
      'In words',
      'Curves',
      'Confusion matrix',
      'Classes',
      'Calibration',
      'Most confident mistakes',
    ]) {
      expect(page.includes(`<h2>${name}</h2>`), name).toBe(true);
    }
    // Loss, accuracy, two matrices, calibration: each for a light and for a dark ground.
    expect(page.match(/<source media="\(prefers-color-scheme: dark\)" srcset="data:image\/svg\+xml/g)).toHaveLength(5);
    expect(page.match(/data:image\/webp/g)).toHaveLength(1);
    expect(page.includes('<th scope="row">epochs</th><td>3</td>')).toBe(true);
    const webp = Buffer.from(/data:image\/webp;base64,([^"]+)/.exec(page)![1], 'base64');
    expect(await sharp(webp).metadata()).toMatchObject({ width: 112, height: 75 });
  });

  test('leaves out curves without a training, and mistakes when they are not given', async () => {
    const page = await reportHtml(content);
    expect(page.includes('<h2>Curves</h2>')).toBe(false);
    expect(page.includes('<h2>Most confident mistakes</h2>')).toBe(false);
  });

  test('names of files, classes and settings cannot put markup into the page', async () => {
    const nasty = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
    const page = await reportHtml({
      title: nasty,
      measuredOn: nasty,
      model: nasty,
      evaluation: measure(Float32Array.from([0.4, 0.6]), Float32Array.from([1, 0]), [nasty, "b'"]),
      mistakes: [{ file: `gone/${nasty}.png`, truth: nasty, said: nasty, probability: 0.5 }],
      tables: { [nasty]: { [nasty]: nasty } },
    });
    const tags = new Set([...page.matchAll(/<(\w+)/g)].map(([, tag]) => tag));
    expect(tags).not.toContain('script');
    const sources = [...page.matchAll(/<img [^>]*src="([^"]{5})/g)].map(([, source]) => source);
    expect(new Set(sources)).toEqual(new Set(['data:']));
    expect(page.includes('no picture')).toBe(true);
  });
});

describe('html', () => {
  test('escapes inserted text, but not pieces of HTML', () => {
    expect(html`<p title="${'"x"'}">${[html`<b>${'<&>'}</b>`]}${undefined}${1}</p>`.text).toBe(
      '<p title="&#34;x&#34;"><b>&#60;&#38;&#62;</b>1</p>',
    );
  });
});

describe('reportConclusion', () => {
  test('states what the figures mean', () => {
    const text = reportConclusion(evaluation, training).join(' ');
    expect(text).toContain('right on 60.0% of 5 images; always saying “a” would be right on 80.0%');
    expect(text).toContain(
      'It recognises a best (75.0% of them) and b worst (0.0%), which it calls a in 100.0% of the cases.',
    );
    expect(text).toContain(
      'The model is too sure: its highest probability is 90.0% on average, and it is right on 60.0%',
    );
    expect(text).toContain('Of 3 epochs, the weights of epoch 2 were kept.');
    expect(text).toContain('the validation loss rose again');
    expect(text).not.toContain('more epochs may help');
  });

  test('names classes without images, and says that more epochs may help', () => {
    const one = measure(Float32Array.from([0.9, 0.1]), Float32Array.from([1, 0]), ['a', 'b']);
    const rising = {
      ...training,
      best: { ...training.best, epoch: 3 },
      history: { ...training.history, valLoss: [3, 2, 1] },
    };
    const text = reportConclusion(one, rising).join(' ');
    expect(text).toContain('The data has no image of b: nothing is known about it.');
    expect(text).toContain('more epochs may help');
  });

  test('of many classes with few images, names some and counts the rest', () => {
    const oneOfEach = (classes: number) => {
      const right = new Float32Array(classes ** 2).map((_, i) => (i % (classes + 1) === 0 ? 1 : 0));
      return measure(
        right,
        right,
        Array.from({ length: classes }, (_, c) => `c${c}`),
      );
    };
    const sentence = (classes: number) =>
      reportConclusion(oneOfEach(classes), undefined).find((text) => text.includes('uncertain'));
    expect(sentence(8)).toMatch(/: c0 \(1\), .*, c7 \(1\)\.$/);
    expect(sentence(40)).toMatch(/: c0 \(1\), .*, c5 \(1\) and 34 others, see the table of classes\.$/);
  });
});
