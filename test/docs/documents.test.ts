import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { nodeJson } from '../package/run-node.js';
import { documents } from './code-blocks.js';

const { folder } = inject('consumer');
const pages = [...documents(), 'CHANGELOG.md', 'SECURITY.md', 'examples/README.md', 'weights/MODEL_CARD.md'];

describe('links lead somewhere', () => {
  // What git ignores is on this machine alone.
  const kept = new Set(
    execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' }).split('\n'),
  );

  test.each(pages)('in %s', (page) => {
    const broken: string[] = [];
    for (const link of links(page)) {
      if (/^(https:|mailto:)/.test(link)) continue;
      const [path, anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      const there = existsSync(target) && (statSync(target).isDirectory() || kept.has(target));
      if (!there || (anchor !== undefined && !anchors(target).includes(anchor))) broken.push(link);
    }
    expect(broken).toEqual([]);
  });

  test('every page of docs is linked from docs/README.md', () => {
    const index = links('docs/README.md').map((link) => join('docs', link));
    expect(
      pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md' && !index.includes(page)),
    ).toEqual([]);
  });
});

test('every error code has a section on what to do', () => {
  const source = readFileSync('src/errors.ts', 'utf8');
  const codes = [...source.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(20);
  const text = readFileSync('docs/troubleshooting.md', 'utf8');
  const sections = [...text.matchAll(/^### `([A-Z_]+)`\n\n(?=\S)/gm)].map(([, code]) => code);
  expect(sections.sort()).toEqual(codes.sort());
  // The tables that list them.
  const readme = readFileSync('README.md', 'utf8').split('## Errors')[1].split('## ')[0];
  const index = text.split('## Pictures')[0];
  for (const table of [readme, index]) {
    const rows = table.split('\n').filter((line) => line.startsWith('|'));
    const listed = [...rows.join('\n').matchAll(/`([A-Z_]{4,})`/g)].map(([, code]) => code);
    expect(listed.sort()).toEqual(codes);
  }
});

test('the changelog has the form of Keep a Changelog, with a section for what is not released', () => {
  const headings = [...readFileSync('CHANGELOG.md', 'utf8').matchAll(/^#{2,} .*$/gm)].map(([heading]) => heading);
  expect(headings[0]).toBe('## [Unreleased]');
  const form =
    /^(## \[(Unreleased\]|\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d)$|### (Added|Changed|Deprecated|Removed|Fixed|Security)$)/;
  expect(headings.filter((heading) => !form.test(heading))).toEqual([]);
});

test('README has the figures of the model card for small faces', () => {
  const card = readFileSync('weights/MODEL_CARD.md', 'utf8');
  const shares = /^\| small \| 28 pixels[^|]*\| ([\d.]+)% [^|]*\| 18 pixels[^|]*\| ([\d.]+)% /m.exec(card)!.slice(1);
  const [at28, at18] = shares.map((share) => Math.round(Number(share)));
  expect(readFileSync('README.md', 'utf8')).toMatch(
    new RegExp(`at 28 pixels it is right about ${at28}% of the time, at 18\\s+about ${at18}%`),
  );
});

test('every public name is mentioned in README or docs', async () => {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
  const entries = Object.keys(exports).filter((entry) => /^\.(\/[a-z]+)?$/.test(entry));
  const names = await nodeJson<string[]>(
    'module',
    `const names = new Set();
    for (const entry of ${JSON.stringify(entries)}) {
      for (const name of Object.keys(await import(entry.replace('.', 'fer-dcnn')))) names.add(name);
    }
    console.log(JSON.stringify([...names]));`,
    folder,
  );
  expect(names).toContain('classify');
  const text = documents()
    .map((page) => readFileSync(page, 'utf8'))
    .join('\n');
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
});

/** Without what stands in blocks of code. */
function prose(page: string): string {
  return readFileSync(page, 'utf8').replace(/^\s*```[\s\S]*?^\s*```/gm, '');
}

function links(page: string): string[] {
  const text = prose(page).replace(/`[^`\n]*`(?!\])/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)|<(?:img|source|a)\b[^>]*(?:src|srcset|href)="([^"]+)"/g)].map(
    (m) => m[1] ?? m[2],
  );
}

/** The anchors that GitHub gives to headings. */
function anchors(page: string): string[] {
  const seen = new Map<string, number>();
  return [...prose(page).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}
