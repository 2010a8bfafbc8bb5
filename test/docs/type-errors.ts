import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { typeMessages } from '../package/type-messages.js';
import type { CodeBlock } from './code-blocks.js';

/**
 * What TypeScript finds wrong, as `docs/training.md:17+2: message`, when each block is a module of a strict project in
 * which the packed package is installed.
 *
 * @param folder - The project's folder; files are written there.
 * @param version - Of TypeScript.
 */
export async function typeErrors(blocks: CodeBlock[], folder: string, version: 6 | 7): Promise<string[]> {
  const options = {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    moduleDetection: 'force',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: ['node'],
    typeRoots: [join(folder, 'node_modules/@types')],
    jsx: 'preserve',
    strict: true,
    noEmit: true,
    // As README says, for the sake of TF.js's own types.
    skipLibCheck: true,
  };
  const files = new Map<string, CodeBlock>();
  for (const [i, block] of blocks.entries()) {
    // Javascript is checked as strictly as TypeScript is: what it holds back is written in no other way.
    const file = join(folder, `block-${i}.${block.language === 'tsx' ? 'tsx' : 'ts'}`);
    writeFileSync(file, block.text);
    files.set(file, block);
  }
  const ambient = join(folder, 'ambient.d.ts');
  writeFileSync(ambient, AMBIENT);
  const messages = await typeMessages([...files.keys(), ambient], options, folder, version);
  return messages.map(({ file, line, message }) => `${files.get(file)?.place ?? file}+${line}: ${message}`);
}

/** Modules that bundlers and frameworks give to a program; they are not packages of this project. */
const AMBIENT = `
declare module '*.wasm' { const module: WebAssembly.Module; export default module; }
declare module '*.bin?url' { const address: string; export default address; }
declare namespace JSX { interface IntrinsicElements { [name: string]: unknown } }
declare module 'react' { export function useState<T>(first: T): [T, (next: T) => void]; }
`;
