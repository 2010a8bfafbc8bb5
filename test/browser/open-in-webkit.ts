import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { EnginePage, OpenPage } from './engines.js';
import { PATIENCE } from './patience.js';

/** The idle WebKit that all tests in light colours share. It ends with their process. */
let idle: EnginePage | undefined;

/** WebKitGTK's test browser on a virtual display, by WebDriver. */
export const openInWebKit: OpenPage = async (paths, options) => {
  if (options.colorScheme === 'dark') return startWebKit(paths, options);
  const page = idle ?? (await startWebKit(paths, options));
  idle = undefined;
  await page.setViewport(options.viewport);
  return {
    ...page,
    async close() {
      await page.goto('about:blank');
      if (idle === undefined) idle = page;
      else await page.close();
    },
  };
};

export async function endWebKit(): Promise<void> {
  await idle?.close();
  idle = undefined;
}

const startWebKit: OpenPage = async ([driverPath, displayPath], { viewport, colorScheme }) => {
  const processes: ChildProcess[] = [];
  // A group of its own each, which also ends with this process.
  const start = (path: string, args: string[], options: SpawnOptions) => {
    const child = spawn(path, args, { ...options, detached: true });
    processes.push(child);
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };
  try {
    const display = start(displayPath, ['-displayfd', '1', '-screen', '0', '2560x1600x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [number] = (await once(createInterface(display.stdout!), 'line')) as [string];
    const port = await freePort();
    start(driverPath, [`--port=${port}`, '--host=127.0.0.1'], {
      stdio: 'ignore',
      env: {
        ...process.env,
        DISPLAY: `:${number}`,
        GTK_THEME: colorScheme === 'dark' ? 'Adwaita:dark' : 'Adwaita',
        // No user's settings, no accessibility bus, no GPU to look for.
        GSETTINGS_BACKEND: 'memory',
        NO_AT_BRIDGE: '1',
        LIBGL_ALWAYS_SOFTWARE: '1',
      },
    });
    return await pageOf(`http://127.0.0.1:${port}`, viewport, processes);
  } catch (error) {
    for (const child of processes) await end(child);
    throw error;
  }
};

const running = new Set<ChildProcess>();
const endAll = () => {
  for (const { pid } of running) {
    try {
      process.kill(-pid!, 'SIGTERM');
    } catch {
      // It has ended.
    }
  }
};
process.once('exit', endAll);
process.once('SIGTERM', () => {
  endAll();
  process.exit(143);
});

/** WebDriver's characters for keys without one. */
const KEYS: Record<string, string> = {
  Tab: '\ue004',
  Enter: '\ue007',
  Space: ' ',
  Escape: '\ue00c',
  End: '\ue010',
  Home: '\ue011',
  ArrowLeft: '\ue012',
  ArrowRight: '\ue014',
};

/** WebDriver's name of an element in its answers. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

async function pageOf(
  address: string,
  viewport: { width: number; height: number },
  processes: ChildProcess[],
): ReturnType<OpenPage> {
  const call = async <Value>(method: string, path: string, body?: object): Promise<Value> => {
    const response = await fetch(address + path, { method, body: body && JSON.stringify(body) });
    const { value } = (await response.json()) as { value: { error?: string; message?: string } & Value };
    if (!response.ok) throw new Error(`WebKit: ${value.error}: ${value.message}`);
    return value;
  };
  for (let tries = 0; ; tries++) {
    try {
      await call('GET', '/status');
      break;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  const { sessionId } = await call<{ sessionId: string }>('POST', '/session', { capabilities: {} });
  const session = `/session/${sessionId}`;
  await call('POST', `${session}/timeouts`, { script: 120_000, pageLoad: 60_000 });

  const execute = async <Result>(text: string): Promise<Result> => {
    const script = `const done = arguments[0];
      Promise.resolve().then(() => (${text})).then(
        (value) => done({ value: value === undefined ? null : JSON.stringify(value) ?? null }),
        (error) => done({ error: String(error) + '\\n' + (error?.stack ?? '') }),
      );`;
    const { value, error } = await call<{ value: string | null; error?: string }>('POST', `${session}/execute/async`, {
      script,
      args: [],
    });
    if (error !== undefined) throw new Error(error);
    return (value === null ? undefined : JSON.parse(value)) as Result;
  };
  const find = async (selector: string) => {
    const found = await call<Record<string, string>>('POST', `${session}/element`, {
      using: 'css selector',
      value: selector,
    });
    return `${session}/element/${found[ELEMENT]}`;
  };
  let toolbar: number | undefined;
  const setViewport = async ({ width, height }: { width: number; height: number }) => {
    await call('POST', `${session}/window/rect`, { width, height: height + (toolbar ?? 0) });
    // The window follows when it can.
    for (let tries = 0; tries < 100; tries++) {
      const [across, down] = await execute<[number, number]>('[innerWidth, innerHeight]');
      if (across === width && down === height) return;
      if (toolbar === undefined && across === width && down > height - 200 && down < height) {
        toolbar = height - down;
        await call('POST', `${session}/window/rect`, { width, height: height + toolbar });
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await setViewport(viewport);

  return {
    errors: () => execute('globalThis.errorsSeen'),
    async goto(url) {
      await execute('void (globalThis.isLeft = true)');
      await call('POST', `${session}/url`, { url });
      // Of a page that was still loading, the driver takes the end for that of the new one.
      while (await execute("globalThis.isLeft === true || document.readyState !== 'complete'")) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await execute(`(${collectErrors})()`);
    },
    evaluate: (what, ...args) => execute(`(${what})(...${JSON.stringify(args)})`),
    async waitFor(what, ...args) {
      const deadline = Date.now() + PATIENCE;
      while (!(await execute(`Boolean((${what})(...${JSON.stringify(args)}))`))) {
        if (Date.now() > deadline) throw new Error(`WebKit: waited too long for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async press(key) {
      const value = KEYS[key] ?? key;
      const actions = ['keyDown', 'keyUp'].map((type) => ({ type, value }));
      await call('POST', `${session}/actions`, { actions: [{ type: 'key', id: 'keyboard', actions }] });
    },
    click: async (selector) => call('POST', `${await find(selector)}/click`, {}),
    setFiles: async (selector, paths) => call('POST', `${await find(selector)}/value`, { text: paths.join('\n') }),
    setViewport,
    screenshot: async () => Buffer.from(await call<string>('GET', `${session}/screenshot`), 'base64'),
    async close() {
      await call('DELETE', session).catch(() => {});
      for (const child of processes.reverse()) await end(child);
    },
  };
}

/** The driver tells of no errors: the page itself keeps those that come after it was loaded. */
function collectErrors(): void {
  const seen: string[] = [];
  Object.assign(globalThis, { errorsSeen: seen });
  addEventListener('error', ({ error, message }) => seen.push(`${message} ${error?.stack ?? ''}`));
  addEventListener('unhandledrejection', ({ reason }) => seen.push(`${reason}`));
  const log = console.error;
  console.error = (...what) => {
    seen.push(what.join(' '));
    log(...what);
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
