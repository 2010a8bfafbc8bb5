import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** Width of a picture on a sheet, by the width of the page: text stays readable. */
const WIDTHS: Record<string, number> = { 390: 330, 820: 500, 1280: 640 };
/** Tall pages continue in the next column. */
const HEIGHT = 1250;
const SHEET_WIDTH = 2000;
const GAP = 14;

/**
 * Puts the pictures of a folder side by side: a few sheets show every state.
 *
 * @param folder - Pictures named `<page>-<browser>-<width>-<scheme>-<number>-<state>.png`; sheets go below it.
 */
export async function contactSheets(folder: string): Promise<void> {
  const sheets = new Map<string, string[]>();
  const pictures = readdirSync(folder).filter((name) => name.endsWith('.png') && !name.startsWith('failed'));
  for (const file of pictures.sort()) {
    const [page, engine, width, scheme] = file.split('-');
    const name = `${page}-${width}-${scheme}-${engine}`;
    sheets.set(name, [...(sheets.get(name) ?? []), file]);
  }
  mkdirSync(join(folder, 'sheets'), { recursive: true });
  for (const [name, files] of sheets) {
    const width = WIDTHS[name.split('-')[1]];
    const columns: Buffer[] = [];
    for (const file of files) {
      const small = await sharp(join(folder, file)).resize({ width }).toBuffer({ resolveWithObject: true });
      for (let top = 0; top < small.info.height; top += HEIGHT) {
        const height = Math.min(HEIGHT, small.info.height - top);
        columns.push(await sharp(small.data).extract({ left: 0, top, width, height }).toBuffer());
      }
    }
    const perSheet = Math.floor(SHEET_WIDTH / (width + GAP));
    for (let from = 0; from < columns.length; from += perSheet) {
      const some = columns.slice(from, from + perSheet);
      const size = { width: GAP + perSheet * (width + GAP), height: HEIGHT + 2 * GAP };
      await sharp({ create: { ...size, channels: 3, background: '#7f7f90' } })
        .composite(some.map((input, i) => ({ input, left: GAP + i * (width + GAP), top: GAP })))
        .png()
        .toFile(join(folder, 'sheets', `${name}-${1 + from / perSheet}.png`));
    }
  }
}
