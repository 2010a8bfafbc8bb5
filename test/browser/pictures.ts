import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { NIGHT } from '../night.js';

/** Draws `face.png` of a folder in the forms that browsers and Node may read differently. */
export async function drawPictures(folder: string): Promise<void> {
  const file = (name: string) => join(folder, name);
  const { data: rgb, info } = await sharp(file('face.png')).raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const opaque = () => sharp(rgb, { raw: { width, height, channels: 3 } });
  await opaque().jpeg({ progressive: true }).toFile(file('progressive.jpg'));
  await opaque().webp({ lossless: true }).toFile(file('lossless.webp'));
  await opaque().webp({ quality: 90 }).toFile(file('lossy.webp'));
  // AVIF takes seconds to write.
  if (NIGHT) await opaque().avif({ quality: 90 }).toFile(file('lossy.avif'));
  await opaque().withIccProfile('p3').png().toFile(file('p3.png'));
  await opaque().withIccProfile('p3').jpeg({ quality: 95 }).toFile(file('p3.jpg'));
  await opaque().toColourspace('cmyk').withIccProfile('cmyk').jpeg({ quality: 95 }).toFile(file('cmyk.jpg'));

  const rgba = Buffer.alloc(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
    // Fades out from the face on.
    rgba[4 * i + 3] = Math.round(20 + 235 * Math.exp(-(((x - 60) / 45) ** 2) - ((y - 72) / 60) ** 2));
  }
  const faded = () => sharp(rgba, { raw: { width, height, channels: 4 } });
  await faded().png().toFile(file('alpha.png'));
  await faded().toColourspace('b-w').png().toFile(file('grey-alpha.png'));
  await faded().png({ palette: true }).toFile(file('palette-alpha.png'));
  await faded().withIccProfile('p3').png().toFile(file('p3-alpha.png'));
  await faded().webp({ quality: 90 }).toFile(file('alpha.webp'));
  if (NIGHT) await faded().avif({ quality: 90 }).toFile(file('alpha.avif'));
  const cut = Uint8Array.from(rgba, (level, k) => (k % 4 === 3 ? (level < 90 ? 0 : 255) : level));
  await sharp(cut, { raw: { width, height, channels: 4 } })
    .gif()
    .toFile(file('half.gif'));

  for (const [name, levels, channels] of [
    ['rgb16.png', rgb, 3],
    ['rgba16.png', rgba, 4],
  ] as const) {
    const deep = Uint16Array.from(levels, (level, k) => level * 256 + ((k * 7919) % 256));
    await sharp(deep, { raw: { width, height, channels } }).toColourspace('rgb16').png().toFile(file(name));
  }

  const frames = [0, 1, 2].map((k) =>
    opaque()
      .modulate({ brightness: 1 - 0.3 * k })
      .flop(k === 1)
      .png()
      .toBuffer(),
  );
  await sharp(await Promise.all(frames), { join: { animated: true } })
    .gif()
    .toFile(file('animated.gif'));

  const clear = sharp({ create: { width: 60, height: 60, channels: 4, background: { r: 9, g: 9, b: 200, alpha: 0 } } });
  for (const name of ['clear.gif', 'clear.png', 'clear.webp']) await clear.clone().toFile(file(name));

  const plain = readFileSync(file('face.png'));
  // gAMA, 1.0: the chunk's length, name, content and checksum.
  const gamma = Buffer.from('0000000467414d41000186a031e8965f', 'hex');
  writeFileSync(file('gamma.png'), Buffer.concat([plain.subarray(0, 33), gamma, plain.subarray(33)]));
  writeFileSync(file('face.bmp'), bmpOf(rgb, width, height));
  const heic = Buffer.concat([Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), Buffer.alloc(64)]);
  writeFileSync(file('empty.heic'), heic);
}

/** 24 bits a pixel, from the lowest row up, blue first. The width is a multiple of 4. */
function bmpOf(rgb: Buffer, width: number, height: number): Buffer {
  const bmp = Buffer.alloc(54 + rgb.length);
  bmp.write('BM');
  for (const [at, value] of [
    [2, bmp.length],
    [10, 54],
    [14, 40],
    [18, width],
    [22, height],
    [26, 1 + (24 << 16)],
  ]) {
    bmp.writeInt32LE(value, at);
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * ((height - 1 - y) * width + x);
      bmp.set([rgb[from + 2], rgb[from + 1], rgb[from]], 54 + 3 * (y * width + x));
    }
  }
  return bmp;
}
