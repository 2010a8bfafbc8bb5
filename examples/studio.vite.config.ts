/*
 * Builds the pages of `npx fer-dcnn studio` into dist/studio: the unchanged examples with a line of links on top. The
 * package itself is not included: the studio's server has its self-contained files, and its binaries, at /package/.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const PAGES = { pictures: 'Your pictures', webcam: 'Camera', teach: 'Teach' };

const ENTRIES: Readonly<Record<string, string>> = {
  'fer-dcnn': '/package/dist/standalone/index.js',
  'fer-dcnn/weights': '/package/dist/standalone/index.js',
  'fer-dcnn/lite': '/package/dist/standalone/lite.js',
};

const packageApart = (): Plugin => ({
  name: 'package-apart',
  enforce: 'pre',
  resolveId: (id) => (Object.hasOwn(ENTRIES, id) ? { id: ENTRIES[id], external: true } : null),
});

/** Links from page to page. */
const withLinks: Plugin = {
  name: 'with-links',
  transformIndexHtml(html, { path }) {
    const links = Object.entries(PAGES).map(([folder, name]) => {
      const here = path.startsWith(`/${folder}/`) ? ' aria-current="page"' : '';
      return `<a href="/${folder}/"${here}>${name}</a>`;
    });
    return html.replace('<body>', `<body>\n    <nav class="pages" aria-label="Pages">${links.join('')}</nav>`);
  },
};

const folder = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  root: folder('.'),
  plugins: [packageApart(), withLinks],
  worker: { format: 'es', plugins: () => [packageApart()] },
  build: {
    outDir: folder('../dist/studio'),
    emptyOutDir: true,
    target: 'es2022',
    reportCompressedSize: false,
    // The pages' own policy refuses data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: Object.keys(PAGES).map((name) => folder(`${name}/index.html`)) },
  },
});
