import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { codeBlocks } from '../test/docs/code-blocks.ts';
import { findBrowsers } from './browsers.mjs';

/*
 * Follows the guides of the documents like a reader: in an empty folder, with the packed package, and the programs and commands
 * of the document. Pages are opened in Chromium until they have printed their answers. Needs the npm registry.
 * Continues after a failure and prints one table at the end.
 *
 *   npm run test:guides                      all guides
 *   npm run test:guides -- esbuild 'Vite 5'  some of them
 */
const START = 'docs/getting-started.md';
const BUNDLERS = 'docs/bundlers.md';
const MINUTES = 4;
/** Most JavaScript that `classify` alone may load at first, compressed with brotli. */
const LIMIT = 22 * 1024;
const FACE = 'node_modules/@vladmandic/face-api/demo/sample1.jpg';

const GUIDES = [
  ...[5, 6, 7].map((version) => vite(version, [[`${START}#vite-5-to-7`, 1]])),
  vite(8, []),
  bundler('webpack', 'public'),
  bundler('Rspack', 'public'),
  bundler('Rollup', 'public'),
  bundler('esbuild', 'public'),
  bundler('Parcel', 'dist', { limited: false }),
  next('Next.js, Turbopack', {}),
  next('Next.js, webpack', { build: 'npx next build --webpack' }),
  next('Next.js, cacheComponents', { cacheComponents: true }),
  { name: 'Node, .mjs', follow: (guide) => nodeModules(guide, 'emotion.mjs', []) },
  { name: 'Node, .js', follow: (guide) => nodeModules(guide, 'emotion.js', ['npm pkg set type=module']) },
  { name: 'Node, require in .js', follow: nodeCommonJs },
  { name: 'TypeScript 7', follow: typescript },
  { name: 'Jest, jsdom', follow: jest },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !GUIDES.some((guide) => guide.name === name));
if (unknown.length > 0) {
  console.error(`unknown guide ${unknown.join(', ')}: known are ${GUIDES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const { paths } = findBrowsers().chromium;
if (paths === null) {
  console.error('no Chromium: apt-get install chromium, or name its path in CHROMIUM_PATH');
  process.exit(2);
}

const root = mkdtempSync(join(tmpdir(), 'fer-dcnn-guides-'));
const rows = [];
try {
  await command(`npm pack --ignore-scripts --silent --pack-destination '${root}'`, process.cwd());
  const tarball = join(
    root,
    readdirSync(root).find((file) => file.endsWith('.tgz')),
  );
  for (const { name, limited = false, follow } of GUIDES) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const folder = join(root, name.replace(/\W+/g, '-'));
    mkdirSync(folder);
    const guide = { folder, tarball, size: null, deadline: Date.now() + MINUTES * 60_000 };
    let outcome = 'passed';
    try {
      await follow(guide);
      if (limited && !(guide.size < LIMIT)) throw new Error(`${guide.size} bytes of JavaScript, more than ${LIMIT}`);
    } catch (error) {
      outcome = 'FAILED';
      console.error(`\n> ${name}: ${error.message}`);
    }
    rows.push([name, versions(folder), outcome, guide.size ?? '']);
    console.log(`${name}: ${outcome}${guide.size === null ? '' : `, ${guide.size} bytes`}`);
    rmSync(folder, { recursive: true, force: true });
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}

const head = ['guide', 'versions', 'outcome', 'JavaScript for classify, bytes in brotli'];
console.log(`\n${[head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')}`);
process.exit(rows.every(([, , outcome]) => outcome === 'passed') ? 0 : 1);

function vite(version, more) {
  return {
    name: `Vite ${version}`,
    limited: true,
    async follow(guide) {
      const sections = [section(`${START}#vite`), ...more.map(([place]) => section(place))];
      const files = Object.assign({}, ...sections.map((blocks) => filesOf(blocks)));
      const lines = commandsOf(sections[0]).map((line) => line.replace('vite@8', `vite@${version}`));
      write(guide, files);
      photo(join(guide.folder, 'face.jpg'));
      await commands(guide, lines);
      guide.size = (await openPage(guide, 'dist', 'classify')).size;
      const program = Object.keys(files).find((file) => file.startsWith('main.'));
      write(guide, { [program]: everything(section(`${BUNDLERS}#the-page`)) });
      await commands(guide, lines.slice(-1));
      await openPage(guide, 'dist', 'everything');
      const worker = filesOf(section(`${START}#web-worker`));
      write(guide, { [program]: worker[program], ...without(worker, program) });
      await commands(guide, lines.slice(-1));
      await openPage(guide, 'dist', 'classify');
    },
  };
}

function bundler(name, output, { limited = true } = {}) {
  return {
    name,
    limited,
    async follow(guide) {
      const shared = section(`${BUNDLERS}#the-page`);
      const own = section(`${BUNDLERS}#${name.toLowerCase()}`);
      const files = { ...filesOf(shared), ...filesOf(own) };
      write(guide, files);
      for (const place of new Set(['', output])) photo(join(guide.folder, place, 'face.jpg'));
      const lines = commandsOf(own);
      await commands(guide, lines);
      guide.size = (await openPage(guide, output, 'classify')).size;
      write(guide, { 'main.js': files['everything.js'] });
      await commands(
        guide,
        lines.filter((line) => /^npx /.test(line)),
      );
      await openPage(guide, output, 'everything');
    },
  };
}

function next(name, { cacheComponents = false, build = 'npx next build' }) {
  return {
    name,
    async follow(guide) {
      const blocks = section(`${START}#nextjs-with-server-rendering`);
      const files = filesOf(blocks);
      if (cacheComponents) {
        const plain = files['next.config.mjs'];
        files['next.config.mjs'] = plain.replace('{ server', '{ cacheComponents: true, server');
        if (files['next.config.mjs'] === plain) throw new Error('the configuration has an unexpected form');
      }
      write(guide, files);
      photo(join(guide.folder, 'public/face.jpg'));
      for (const line of commandsOf(blocks)) {
        await command(install(guide, line.replace('npx next build', build)), guide.folder, guide.deadline);
      }
      await withServer(guide, async (address) => {
        const { page, close } = await newPage();
        try {
          const said = listen(page);
          await page.goto(address);
          await page.waitForFunction(() => /\b(angry|happy|sad|neutral|surprised)\b/.test(document.body.textContent));
          await page.locator('figure img').click();
          await page.waitForFunction(() => / \d+ %/.test(document.querySelector('figcaption').textContent), undefined, {
            timeout: 30_000,
          });
          if (said.faults.length > 0) throw new Error(said.faults.join('\n'));
        } finally {
          await close();
        }
        const body = readFileSync(join(guide.folder, 'public/face.jpg'));
        const response = await fetch(`${address}/api/emotion`, { method: 'POST', body });
        if ((await response.json()).length !== 5) throw new Error('the route handler does not return five emotions');
      });
    },
  };
}

/** The first program of README, in a folder made by `npm init`. */
async function nodeModules(guide, file, more) {
  const [program] = codeBlocks('README.md').filter(({ language }) => language === 'js');
  photo(join(guide.folder, 'face.jpg'));
  write(guide, { [file]: program.text });
  const said = await commands(guide, ['npm init -y', ...more, 'npm install fer-dcnn', `node ${file}`]);
  hasEmotions(said);
}

async function nodeCommonJs(guide) {
  const [program] = section(`${START}#commonjs`).filter(({ language }) => language === 'cjs');
  photo(join(guide.folder, 'face.jpg'));
  write(guide, { 'emotion.js': program.text });
  hasEmotions(await commands(guide, ['npm init -y', 'npm install fer-dcnn', 'node emotion.js']));
}

async function typescript(guide) {
  const blocks = section(`${START}#typescript`);
  const program = blocks.find(({ language }) => language === 'ts');
  photo(join(guide.folder, 'face.jpg'));
  write(guide, { 'emotion.ts': program.text });
  hasEmotions(await commands(guide, ['npm init -y', ...commandsOf(blocks)]));
}

async function jest(guide) {
  const blocks = section(`${BUNDLERS}#jest`);
  write(guide, filesOf(blocks));
  await commands(guide, ['npm init -y', ...commandsOf(blocks)]);
}

/** The code blocks below a heading, given as in a link: `docs/bundlers.md#rollup`. */
function section(place) {
  const [file, anchor] = place.split('#');
  const lines = readFileSync(file, 'utf8').split('\n');
  const found = codeBlocks(file)
    .map((block) => ({ ...block, lines, line: Number(block.place.split(':')[1]) }))
    .filter(({ line }) => anchorAbove(lines, line) === anchor);
  if (found.length === 0) throw new Error(`${place} has no blocks of code`);
  return found;
}

function anchorAbove(lines, line) {
  const heading = lines.slice(0, line).findLast((text) => /^#{2,} /.test(text)) ?? '';
  const words = heading.replace(/^#+ /, '').toLowerCase();
  return words.replace(/[^\w -]/g, '').replaceAll(' ', '-');
}

/** Files by name: the name is the last text in backquotes in the paragraph above the block. */
function filesOf(blocks) {
  const files = {};
  for (const { lines, line, language, text } of blocks) {
    if (language === 'sh') continue;
    const above = lines
      .slice(0, line - 1)
      .join('\n')
      .trimEnd()
      .split('\n\n')
      .at(-1);
    const name = [...above.matchAll(/`([\w./-]+\.(?:[cm]?[jt]sx?|html|json))`/g)].at(-1)?.[1];
    if (name !== undefined && !(name in files)) files[name] = text;
  }
  return files;
}

function commandsOf(blocks) {
  const marked = blocks.filter(({ language, marks }) => language === 'sh' && marks.includes('guide'));
  return marked.flatMap(({ text }) => text.trim().split('\n'));
}

function everything(blocks) {
  return filesOf(blocks)['everything.js'];
}

function without(files, name) {
  return Object.fromEntries(Object.entries(files).filter(([file]) => file !== name));
}

function write({ folder }, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

function photo(path) {
  mkdirSync(dirname(path), { recursive: true });
  cpSync(FACE, path);
}

function install({ tarball }, line) {
  return line.replace(/^(npm install.*) fer-dcnn\b/, `$1 --no-audit --no-fund '${tarball}'`);
}

function commands(guide, lines) {
  return command(lines.map((line) => install(guide, line)).join('\n'), guide.folder, guide.deadline);
}

/** @returns What it printed. */
function command(text, cwd, deadline = Date.now() + MINUTES * 60_000) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_OPTIONS: '', NEXT_TELEMETRY_DISABLED: '1', CI: '1' };
    const child = spawn('bash', ['-euo', 'pipefail', '-c', text], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let late = false;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
    // Its whole process group, including what the tool started.
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid, 'SIGKILL');
    }, deadline - Date.now());
    child.on('error', reject).on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(said);
      else reject(new Error(`${text}\n${late ? 'takes too long' : `exit code ${code}`}\n${said.slice(-4000)}`));
    });
  });
}

function hasEmotions(text) {
  if (!/\b(angry|happy|sad|neutral|surprised)\b/.test(text)) throw new Error(`no emotion in: ${text}`);
}

/** A page in its own browser, so that a crash does not stop the other guides. */
async function newPage() {
  const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
  const browser = await chromium.launch({
    executablePath: paths[0],
    headless: true,
    args: [...flags, '--disable-component-update', '--disable-sync'],
  });
  return { page: await browser.newPage(), close: () => browser.close() };
}

/** Collects the output of a page, its errors, and the scripts that it loads. */
function listen(page) {
  const said = { printed: [], faults: [], scripts: [] };
  page.on('pageerror', (error) => said.faults.push(String(error)));
  page.on('console', async (message) => {
    if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico'))
      said.faults.push(`${message.text()} ${message.location().url}`);
    if (message.type() === 'log') {
      said.printed.push(await Promise.all(message.args().map((arg) => arg.jsonValue().catch(() => null))));
    }
  });
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (/^http/.test(protocol) && hostname !== '127.0.0.1') said.faults.push(`asks ${request.url()}`);
  });
  page.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return;
    const body = response.body();
    // If the page was closed meanwhile, the result is not needed.
    body.catch(() => {});
    said.scripts.push(body);
  });
  return said;
}

/** Opens the built page and waits for its answers: a list of five emotions, or faces and the name of kernels as well. */
async function openPage(guide, output, what) {
  const served = await serve(join(guide.folder, output));
  const { page, close } = await newPage();
  const said = listen(page);
  try {
    await page.goto(served.address);
    const done = () => {
      const values = said.printed.flat();
      const emotions = values.some((value) => value?.length === 5 && value[0].className !== undefined);
      const faces = values.some((value) => value?.[0]?.box !== undefined);
      const kernels = values.some((value) => /^(relaxed-)?simd$/.test(value));
      return emotions && (what === 'classify' || (faces && kernels));
    };
    const deadline = Math.min(guide.deadline, Date.now() + 60_000);
    while (!done() && said.faults.length === 0 && Date.now() < deadline) await page.waitForTimeout(50);
    if (!done() || said.faults.length > 0) {
      throw new Error(`${what}: printed ${JSON.stringify(said.printed)}\n${said.faults.join('\n')}`);
    }
    const scripts = await Promise.all(said.scripts);
    return { size: scripts.reduce((sum, script) => sum + brotliCompressSync(script).length, 0) };
  } finally {
    await close();
    served.close();
  }
}

function serve(folder) {
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.jpg': 'image/jpeg' };
  const server = createServer((request, response) => {
    const path = join(folder, decodeURIComponent(new URL(request.url, 'http://127.0.0.1').pathname));
    const file = path.endsWith('/') ? join(path, 'index.html') : path;
    if (request.url === '/favicon.ico') return response.writeHead(204).end();
    if (!file.startsWith(folder) || !existsSync(file)) return response.writeHead(404).end();
    const type = extname(file) === '.wasm' ? 'application/wasm' : types[extname(file)];
    response.writeHead(200, { 'Content-Type': type ?? 'application/octet-stream' }).end(readFileSync(file));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const close = () => {
        server.closeAllConnections();
        server.close();
      };
      resolve({ address: `http://127.0.0.1:${server.address().port}/`, close });
    });
  });
}

/** Runs `next start` as long as it is used. */
async function withServer(guide, use) {
  const program = createRequire(join(guide.folder, 'package.json')).resolve('next/dist/bin/next');
  const child = spawn(process.execPath, [program, 'start', '--hostname', '127.0.0.1', '--port', '0'], {
    cwd: guide.folder,
    env: { ...process.env, NODE_OPTIONS: '', NEXT_TELEMETRY_DISABLED: '1' },
    detached: true,
  });
  try {
    const address = await new Promise((resolve, reject) => {
      let said = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (data) => {
          said += data;
          const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
          if (found !== undefined && /Ready/.test(said)) resolve(found);
        });
      }
      child.on('close', () => reject(new Error(`next start ended: ${said}`)));
      setTimeout(() => reject(new Error(`next start is not ready: ${said}`)), 60_000).unref();
    });
    await use(address);
  } finally {
    process.kill(-child.pid, 'SIGKILL');
  }
}

/** Names and versions of the packages that the guide installed, besides this one. */
function versions(folder) {
  try {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const names = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => name !== 'fer-dcnn');
    const version = (name) =>
      JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
    return [`Node ${process.versions.node}`, ...names.map((name) => `${name} ${version(name)}`)].join(', ');
  } catch (error) {
    return String(error.message);
  }
}
