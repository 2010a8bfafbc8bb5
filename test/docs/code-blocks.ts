import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fenced block of code in a Markdown file. */
export interface CodeBlock {
  /** Where it stands, as `docs/training.md:17`. */
  place: string;
  /** The first word after the fence: `ts`, `sh`, … */
  language: string;
  /** The other words after it. */
  marks: string[];
  text: string;
}

/** README, CONTRIBUTING, and all of docs, as paths from the repository's root. */
export function documents(): string[] {
  const docs = readdirSync('docs').filter((file) => file.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...docs.map((file) => join('docs', file))];
}

/** All fenced blocks of a Markdown file, in order; a block inside a list is taken without its indentation. */
export function codeBlocks(file: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { fence: string; indent: string; block: CodeBlock; lines: string[] } | undefined;
  for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const fence = /^(\s*)(`{3,})(.*)$/.exec(line);
    if (open) {
      if (fence?.[2] === open.fence && fence[3].trim() === '') {
        blocks.push({ ...open.block, text: `${open.lines.join('\n')}\n` });
        open = undefined;
      } else open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    } else if (fence) {
      const [language = '', ...marks] = fence[3].trim().split(/\s+/);
      const block = { place: `${file}:${i + 1}`, language, marks, text: '' };
      open = { fence: fence[2], indent: fence[1], block, lines: [] };
    }
  }
  if (open) throw new Error(`${open.block.place}: the block is not closed`);
  return blocks;
}
