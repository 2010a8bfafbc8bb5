import { setFlagsFromString } from 'node:v8';

// The compiler is WebAssembly itself. It runs too briefly for V8's optimising compiler to pay: this saves a fifth of the time.
setFlagsFromString('--liftoff-only');
const { default: asc } = await import('assemblyscript/asc');

/**
 * Compiles AssemblyScript, prints what the compiler says, and throws its error.
 *
 * @param {string} source - The file to start from.
 * @param {string} target - The file to write.
 * @param {string[]} options - Of `asc`.
 * @param {import('assemblyscript/asc').APIOptions} api - As `{ writeFile }`, where bytes are not to go to the disk.
 */
export async function compileAssembly(source, target, options, api = {}) {
  const { error, stderr } = await asc.main([source, '-o', target, ...options], api);
  const messages = stderr.toString();
  if (messages) console.error(messages);
  if (error) throw error;
}
