import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

/** `fer-dcnn studio` as it is installed, in a process of its own. */
export interface StudioProcess {
  /** As it prints it: the page, and the token. */
  address: string;
  /** Ends it by Ctrl-C; resolves to its exit code. */
  stop(): Promise<number | null>;
}

/**
 * Starts the studio of an installed package.
 *
 * @param folder - Where the package is installed.
 * @param out - Where trainings are written.
 */
export async function startStudio(folder: string, out: string, flags: string[] = []): Promise<StudioProcess> {
  const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child: ChildProcess = spawn(process.execPath, [cli, 'studio', '--no-open', '--out', out, ...flags], { env });
  let told = '';
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (part) => {
      told += part;
      const found = /http:\S+(?=\n)/.exec(told);
      if (found) resolve(found[0]);
    });
    child.stderr!.on('data', (part) => {
      told += part;
    });
    exited.then((code) => reject(new Error(`the studio ended with ${code}: ${told}`)));
  });
  return {
    address,
    stop() {
      child.kill('SIGINT');
      return exited;
    },
  };
}
