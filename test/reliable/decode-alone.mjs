// Decodes the file that is named, as `decode` does, without its limits. Prints the time of the processor, and memory beyond the start's.
import { readFileSync } from 'node:fs';
import sharp from 'sharp';

const held = (name) =>
  Number(new RegExp(`${name}:\\s*(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
sharp.cache(false);
await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
  .png()
  .toBuffer();
const before = held('VmRSS');
const bytes = readFileSync(process.argv[2]);
const { user, system } = process.cpuUsage();
await sharp(bytes, { failOn: 'error', limitInputPixels: false, autoOrient: true })
  .toColourspace('srgb')
  .raw({ depth: 'uchar' })
  .toBuffer();
const used = process.cpuUsage();
process.stdout.write(
  JSON.stringify({ milliseconds: (used.user - user + used.system - system) / 1000, bytes: held('VmHWM') - before }),
);
