import { afterEach, describe, expect, test, vi } from 'vitest';
import { faceModule } from '../../src/faces/face-module.js';

const NAMES = ['relaxed', 'simd', 'scalar'].map((build) => `faces-${build}.wasm`);

/** The file that is chosen of a map: none of them can be compiled, and the error names it. */
async function chosenOf(names: string[]): Promise<string> {
  const assets = Object.fromEntries(names.map((name) => [name, new Uint8Array(9)]));
  const error: Error = await faceModule(assets).then(
    () => expect.unreachable(),
    (reason) => reason,
  );
  return /^\S+/.exec(error.message)![0];
}

describe('faceModule', () => {
  const own = Object.getOwnPropertyDescriptor(RegExp, 'escape');
  afterEach(() => {
    vi.restoreAllMocks();
    if (own) Object.defineProperty(RegExp, 'escape', own);
    else Reflect.deleteProperty(RegExp, 'escape');
  });

  test('prefers relaxed SIMD where it is fast, and SIMD in a V8 where it is not', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(true);
    Object.defineProperty(RegExp, 'escape', { value: String, configurable: true });
    expect(await chosenOf(NAMES)).toBe('faces-relaxed.wasm');
    expect(await chosenOf(NAMES.slice(1))).toBe('faces-simd.wasm');
    Reflect.deleteProperty(RegExp, 'escape');
    expect(await chosenOf(NAMES)).toBe('faces-simd.wasm');
    expect(await chosenOf(NAMES.filter((name) => !name.includes('-simd')))).toBe('faces-relaxed.wasm');
  });

  test('never takes a build that the engine does not run', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    expect(await chosenOf(NAMES)).toBe('faces-scalar.wasm');
  });
});
