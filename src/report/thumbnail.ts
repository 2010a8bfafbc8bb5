/**
 * A picture small enough to lie in a page: upright, at most `size` pixels a side, as a `data:` URI of a WebP.
 *
 * @throws what sharp throws for a file that it cannot read.
 */
export async function thumbnail(file: string, size: number): Promise<string> {
  const { default: sharp } = await import('sharp');
  const bytes = await sharp(file, { autoOrient: true })
    .resize(size, size, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
    .toBuffer();
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}
