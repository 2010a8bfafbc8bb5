/**
 * A small picture to embed in a page: upright, at most `size` pixels per side, as a `data:` URI of a WebP.
 *
 * @throws the errors of sharp for a file that it cannot read.
 */
export async function thumbnail(file: string, size: number): Promise<string> {
  const { default: sharp } = await import('sharp');
  const bytes = await sharp(file, { autoOrient: true })
    .resize(size, size, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
    .toBuffer();
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}
