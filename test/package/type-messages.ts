import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runNode } from './run-node.js';

/** What a compiler of TypeScript says of one place. */
export interface TypeMessage {
  /** The file's absolute path. */
  file: string;
  line: number;
  message: string;
}

/**
 * What TypeScript finds wrong with a project: version 7, whose compiler takes a third of the time, or version 6.
 *
 * @param files - Absolute paths of the project's files.
 * @param options - As `compilerOptions` of a tsconfig.json, with absolute paths.
 * @param folder - A folder whose packages the project uses.
 * @returns Messages for files of the project, and for this package's declaration files that they bring in.
 * @throws When the options are not valid.
 */
export function typeMessages(
  files: string[],
  options: Record<string, unknown>,
  folder: string,
  version: 6 | 7,
): Promise<TypeMessage[]> {
  return (version === 7 ? byVersion7 : byVersion6)(files, options, folder);
}

/** Not one of another package: TF.js's own types have errors without the DOM's. */
function isOurs(file: string): boolean {
  const inside = file.replaceAll('\\', '/').split('/node_modules/')[1];
  return inside === undefined || inside.startsWith('fer-dcnn/');
}

async function byVersion7(files: string[], options: Record<string, unknown>, folder: string): Promise<TypeMessage[]> {
  const project = mkdtempSync(join(folder, 'project-'));
  try {
    const compilerOptions = { ...options, pretty: false };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    // One thread, and no garbage collection: half the work for so small a project.
    const command = [resolve('node_modules/typescript-7/bin/tsc'), '--project', project, '--singleThreaded'];
    const { code, stdout, stderr } = await runNode(command, project, { GOGC: 'off' });
    if (stderr !== '' || (code !== 0 && stdout === '')) throw new Error(`exit code ${code}: ${stderr}`);
    const messages: TypeMessage[] = [];
    for (const line of stdout.split('\n').filter((text) => text !== '')) {
      const [, file, row, message] = /^(\S.*)\((\d+),\d+\): error TS\d+: (.*)$/.exec(line) ?? [];
      if (file !== undefined) messages.push({ file: resolve(project, file), line: Number(row), message });
      else if (line.startsWith(' ') && messages.length > 0) messages[messages.length - 1].message += `\n${line}`;
      else throw new Error(stdout);
    }
    return messages.filter(({ file }) => isOurs(file));
  } finally {
    rmSync(project, { recursive: true });
  }
}

async function byVersion6(files: string[], options: Record<string, unknown>, folder: string): Promise<TypeMessage[]> {
  const { default: ts } = await import('typescript');
  const parsed = ts.convertCompilerOptionsFromJson(options, folder);
  const program = ts.createProgram(files, parsed.options);
  const checked = program.getSourceFiles().filter(({ fileName }) => isOurs(fileName));
  const found = [
    ...[...parsed.errors, ...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()],
    ...checked.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  return found.map(({ file, start = 0, messageText }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, '\n');
    if (file === undefined) throw new Error(message);
    return { file: resolve(file.fileName), line: file.getLineAndCharacterOfPosition(start).line + 1, message };
  });
}
