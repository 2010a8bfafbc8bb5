import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { CodeBlock } from './code-blocks.js';

/**
 * What TypeScript finds wrong, as `docs/training.md:17+2: message`, when each block is a module of a strict project in
 * which the packed package is installed.
 *
 * @param folder - The project's folder; files are written there.
 */
export function typeErrors(blocks: CodeBlock[], folder: string): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: ['node'],
    typeRoots: [join(folder, 'node_modules/@types')],
    jsx: ts.JsxEmit.Preserve,
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
    files.set(file.replaceAll('\\', '/'), block);
  }
  const ambient = join(folder, 'ambient.d.ts');
  writeFileSync(ambient, AMBIENT);
  const program = ts.createProgram([...files.keys(), ambient], options);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    const place = files.get(file?.fileName ?? '')?.place ?? file?.fileName;
    return `${place}+${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

/** Modules that bundlers and frameworks give to a program; they are not packages of this project. */
const AMBIENT = `
declare module '*.wasm' { const module: WebAssembly.Module; export default module; }
declare module '*.bin?url' { const address: string; export default address; }
declare namespace JSX { interface IntrinsicElements { [name: string]: unknown } }
declare module 'react' { export function useState<T>(first: T): [T, (next: T) => void]; }
`;
