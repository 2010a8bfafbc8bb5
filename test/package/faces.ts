import { join } from 'node:path';
import sharp from 'sharp';

/**
 * Writes `face.png` and `face.jpg`, 120 by 144 pixels: an oval, two dark eyes and a mouth on a smooth ground. No real
 * face is needed to compare one way of reading a picture with another.
 */
export async function writeFaces(folder: string): Promise<void> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="144">
    <defs>
      <linearGradient id="ground" x2="1" y2="1"><stop stop-color="#3a5f8a"/><stop offset="1" stop-color="#d8c6a0"/></linearGradient>
      <radialGradient id="skin"><stop stop-color="#f0cdb0"/><stop offset="1" stop-color="#b98264"/></radialGradient>
      <filter id="soft"><feGaussianBlur stdDeviation="1.5"/></filter>
    </defs>
    <rect width="120" height="144" fill="url(#ground)"/>
    <g filter="url(#soft)">
      <ellipse cx="60" cy="74" rx="46" ry="60" fill="url(#skin)"/>
      <ellipse cx="43" cy="60" rx="8" ry="5" fill="#2a1c14"/><ellipse cx="77" cy="60" rx="8" ry="5" fill="#2a1c14"/>
      <path d="M58 66 L54 88 L66 88" stroke="#9a6a4c" stroke-width="3" fill="none"/>
      <path d="M40 104 Q60 124 80 104" stroke="#8a2c30" stroke-width="6" fill="none"/>
    </g>
  </svg>`;
  const face = sharp(Buffer.from(svg)).removeAlpha();
  await face.clone().png().toFile(join(folder, 'face.png'));
  await face.clone().jpeg({ quality: 90 }).toFile(join(folder, 'face.jpg'));
}
