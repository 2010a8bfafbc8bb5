import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/*
 * Checks the licence of every package that an installation of this one may bring (dependencies, peers, optional ones, and all
 * below them), by the lockfile: no network, no node_modules. `node scripts/licences.mjs` prints one line per licence.
 */

/** SPDX names that may ship. LGPL is only for libvips: a shared library of its own package, which users may replace. */
const ALLOWED = new Set([
  'MIT',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  '0BSD',
  'Unlicense',
  'BlueOak-1.0.0',
]);
const LIBRARY = { licence: 'LGPL-3.0-or-later', packages: /^@img\/sharp-/ };

/**
 * Packages below what ships, each with its licence as the lockfile has it.
 *
 * @param lock - A package-lock.json, parsed.
 * @returns {Map<string, string | undefined>} Licences by path in the lockfile.
 */
export function shippedLicences({ packages }) {
  const { dependencies, optionalDependencies, peerDependencies } = packages[''];
  const found = new Map();
  const visit = (names, from) => {
    for (const name of names) {
      const path = resolved(packages, name, from);
      // An optional package that npm left out, such as a peer of a peer.
      if (path === null || found.has(path)) continue;
      found.set(path, packages[path].license);
      visit(below(packages[path]), path);
    }
  };
  visit(Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }), '');
  return found;
}

/**
 * Whether a licence, an SPDX expression, may ship with a package of that name.
 *
 * @example
 * isAllowed('(MIT OR CC0-1.0)', 'x'); // true: one may choose
 * isAllowed('MIT AND GPL-3.0', 'x'); // false: both hold
 */
export function isAllowed(licence, name) {
  if (typeof licence !== 'string') return false;
  const words = licence.replace(/[()]/g, ' ').trim();
  const allowed = (word) => ALLOWED.has(word) || (word === LIBRARY.licence && LIBRARY.packages.test(name));
  // AND binds tighter than OR; nested brackets do not occur, and would be refused.
  return words.split(/\s+OR\s+/).some((part) => part.split(/\s+AND\s+/).every((word) => allowed(word.trim())));
}

/** Packages that may not ship, as `name: licence`. */
export function refusedLicences(lock) {
  return [...shippedLicences(lock)]
    .filter(([path, licence]) => !isAllowed(licence, nameOf(path)))
    .map(([path, licence]) => `${nameOf(path)}: ${licence ?? 'no licence'}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const counts = new Map();
  for (const licence of shippedLicences(lock).values()) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  for (const [licence, count] of [...counts].sort((a, b) => b[1] - a[1])) console.log(`${count} ${licence}`);
  const refused = refusedLicences(lock);
  for (const line of refused) console.error(`not allowed to ship: ${line}`);
  process.exitCode = refused.length === 0 ? 0 : 1;
}

function nameOf(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function below({ dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta = {} }) {
  const peers = Object.keys(peerDependencies ?? {}).filter((name) => !peerDependenciesMeta[name]?.optional);
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
}

/** The place where Node finds `name` from the package at `from`: in its own node_modules, or else in those above. */
function resolved(packages, name, from) {
  for (let folder = from; ; ) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[path]) return path;
    if (folder === '') return null;
    const above = folder.lastIndexOf('/node_modules/');
    folder = above === -1 ? '' : folder.slice(0, above);
  }
}
