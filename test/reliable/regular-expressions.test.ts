import { readFileSync } from 'node:fs';
import { analyse, type Report } from 'scslre';
import { globSync } from 'tinyglobby';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

/*
 * No text makes a regular expression of the sources slow: each is read by an analyser that finds those whose time grows faster than the text,
 * by backtracking in one place or by starting anew at each character.
 */
const files = globSync('src/**/*.ts', { ignore: 'src/*/assembly/**' });
const expressions = files.flatMap((file) => expressionsOf(file, readFileSync(file, 'utf8')));

test('the regular expressions of the sources are found, and none is made of text', () => {
  expect(files.length).toBeGreaterThan(150);
  expect(expressions.length).toBeGreaterThan(30);
  expect(files.filter((file) => /new RegExp\(|\bRegExp\(/.test(readFileSync(file, 'utf8')))).toEqual([]);
});

test.each(expressions)('$source, $place, takes time in proportion to the text', ({ source, flags }) => {
  expect(slowParts(source, flags)).toEqual([]);
});

describe('the analyser finds', () => {
  test.each([
    ['nested repetition', '^(?:a+)+b', '', 'Self'],
    ['two neighbours that trade', '^a*a*b', '', 'Trade'],
    ['a start at each character', '\\s+$', '', 'Move'],
  ])('%s', (_, source, flags, type) => {
    expect(slowParts(source, flags)).toContain(type);
  });
});

interface Expression {
  source: string;
  flags: string;
  place: string;
}

function slowParts(source: string, flags: string): Report['type'][] {
  const { reports } = analyse({ source, flags }, { reportTypes: { Move: true, Self: true, Trade: true } });
  return reports.map(({ type }) => type);
}

function expressionsOf(file: string, text: string): Expression[] {
  const found: Expression[] = [];
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node) => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/');
      const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
      found.push({ source: node.text.slice(1, end), flags: node.text.slice(end + 1), place: `${file}:${line + 1}` });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}
