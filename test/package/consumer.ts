import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { copyFile, link, mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** A project outside the repository with the packed package installed, without a registry. */
export interface Consumer {
  /** The project's folder. */
  folder: string;
  /** The tarball. */
  tarball: string;
  /** Files of the tarball, sorted, as paths inside the package. */
  files: string[];
}

export interface ConsumerOptions {
  /**
   * Whether all of this project's packages are there, linked, and not only those that an install brings.
   * @default false
   */
  allPackages?: boolean;
}

/**
 * Packs what `npm run build` left in `dist`, unless FER_TARBALL names what `npm test` packed of it, and unpacks it into the `node_modules` of a new folder, beside its
 * dependencies and required peer dependencies out of this project's own `node_modules`.
 */
export async function makeConsumer(options: ConsumerOptions = {}): Promise<Consumer> {
  const { allPackages = false } = options;
  if (!existsSync('dist/node/index.cjs')) throw new Error('dist is not there or not whole: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-consumer-'));
  const tarball = process.env.FER_TARBALL ?? pack(folder);
  const listed = execFileSync('tar', ['tzf', tarball], { encoding: 'utf8' }).trim().split('\n');

  const modules = join(folder, 'node_modules');
  const installed = join(modules, 'fer-dcnn');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['xzf', tarball, '-C', installed, '--strip-components=1']);
  if (allPackages) linkAllPackages(modules);
  else await installDependencies(installed, modules);
  return { folder, tarball, files: listed.map((path) => path.replace(/^package\//, '')).sort() };
}

/** Packs the package into a folder, and returns the path of its tarball. */
function pack(folder: string): string {
  const args = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  const name = execFileSync('npm', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  });
  return join(folder, name.trim());
}

export function removeConsumer({ folder }: Consumer): void {
  rmSync(folder, { recursive: true, force: true });
}

/** All folders named `name` of a package under `node_modules`, however deep. */
export function installedCopies(modules: string, name: string): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    if (existsSync(join(folder, name, 'package.json'))) found.push(join(folder, name));
    for (const entry of readdirSync(folder)) {
      const inside = entry.startsWith('@') ? readdirSync(join(folder, entry)).map((sub) => join(entry, sub)) : [entry];
      for (const sub of inside) {
        const deeper = join(folder, sub, 'node_modules');
        if (existsSync(deeper) && statSync(deeper).isDirectory()) visit(deeper);
      }
    }
  };
  visit(modules);
  return found;
}

interface Manifest {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

async function installDependencies(packageFolder: string, modules: string): Promise<void> {
  const waiting = [packageFolder];
  while (waiting.length > 0) {
    const manifest = JSON.parse(readFileSync(join(waiting.pop()!, 'package.json'), 'utf8')) as Manifest;
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
    const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
    for (const name of [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]) {
      const source = resolve('node_modules', name);
      const target = join(modules, name);
      if (existsSync(target)) continue;
      if (!existsSync(source)) {
        // Binaries of other platforms.
        if (name in optionalDependencies) continue;
        throw new Error(`${name} is not in node_modules: npm ci`);
      }
      await linkFolder(source, target);
      waiting.push(target);
    }
  }
}

function linkAllPackages(modules: string): void {
  for (const name of readdirSync('node_modules')) {
    if (!name.startsWith('.')) symlinkSync(resolve('node_modules', name), join(modules, name), 'junction');
  }
}

/** Copies a folder by hard links, or byte by byte where the target is on another disk. */
async function linkFolder(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) await linkFolder(from, to);
    else await link(from, to).catch(() => copyFile(from, to));
  }
}
