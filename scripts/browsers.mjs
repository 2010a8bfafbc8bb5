import { existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** The browsers of the tests: their programs (a path, or a name looked up in PATH) and the Debian packages of these. */
const BROWSERS = {
  chromium: { programs: [process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'], packages: 'chromium' },
  firefox: { programs: [process.env.FIREFOX_PATH ?? 'firefox-esr'], packages: 'firefox-esr' },
  webkit: {
    programs: [process.env.WEBKIT_DRIVER_PATH ?? 'WebKitWebDriver', 'Xvfb'],
    packages: 'webkit2gtk-driver xvfb',
  },
};

/**
 * Looks for the browsers on this machine.
 *
 * @returns By name: the paths of its programs, null if one is missing; and its Debian packages.
 */
export function findBrowsers() {
  return Object.fromEntries(
    Object.entries(BROWSERS).map(([name, { programs, packages }]) => {
      const paths = programs.map(pathOf);
      return [name, { paths: paths.includes(null) ? null : paths, packages }];
    }),
  );
}

function pathOf(program) {
  if (isAbsolute(program)) return existsSync(program) ? program : null;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}
