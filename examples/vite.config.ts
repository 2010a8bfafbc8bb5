/*
 * Runs the examples on this repository's own build: `npm run example:webcam`, `npm run example:teach`. A page elsewhere
 * needs no configuration: `npm install fer-dcnn vite`.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const repository = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  // A build works under any address.
  base: './',
  resolve: {
    alias: [
      { find: /^fer-dcnn$/, replacement: `${repository}dist/browser/index.js` },
      { find: /^fer-dcnn\/(\w+)$/, replacement: `${repository}dist/browser/$1.js` },
    ],
  },
  server: { fs: { allow: [repository] } },
});
