import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/**
 * Writes `count` small JPEGs into `dir`, in two folders: fifty pictures of noise, each file with a comment of its own, so
 * that no two have the same bytes.
 *
 * @returns Their paths.
 */
export async function writeSmallImages(dir: string, count: number): Promise<string[]> {
  made ??= makePictures();
  const pictures = await made;
  for (const folder of ['a', 'b']) mkdirSync(join(dir, folder), { recursive: true });
  return Array.from({ length: count }, (_, i) => {
    const path = join(dir, i % 2 === 0 ? 'a' : 'b', `${i}.jpg`);
    const picture = pictures[i % pictures.length];
    const comment = Buffer.from(`\xff\xfe\x00\x0a${String(i).padStart(8, '0')}`, 'latin1');
    writeFileSync(path, Buffer.concat([picture.subarray(0, 2), comment, picture.subarray(2)]));
    return path;
  });
}

/** Once a process: tests write new files, but of the same pictures. */
let made: Promise<Buffer[]> | undefined;

function makePictures(): Promise<Buffer[]> {
  return Promise.all(
    Array.from({ length: 50 }, (_, i) => {
      const noise = { type: 'gaussian' as const, mean: 90 + i, sigma: 10 + i };
      return sharp({ create: { width: 24, height: 24, channels: 3, background: '#888', noise } })
        .jpeg()
        .toBuffer();
    }),
  );
}
