import { captionOf, type ShownFace } from './shown-face.js';

/** Draws a box and a caption a face onto a canvas, over what is there; mirrored as the picture is, but for the letters. */
export function drawBoxes(context: CanvasRenderingContext2D, faces: readonly ShownFace[], mirrored: boolean): void {
  const { width, height } = context.canvas;
  const unit = Math.max(width, height) / 640;
  context.font = `600 ${Math.round(15 * unit)}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  for (const face of faces) {
    const box = { width: face.box.width * width, height: face.box.height * height };
    const x = (mirrored ? 1 - face.box.x - face.box.width : face.box.x) * width;
    const y = face.box.y * height;
    // Dark below light: seen on any ground.
    for (const [color, thick] of [
      ['rgb(0 0 0 / 0.55)', 4.5],
      ['#fff', 2],
    ] as const) {
      context.strokeStyle = color;
      context.lineWidth = thick * unit;
      context.strokeRect(x, y, box.width, box.height);
    }
    const caption = captionOf(face);
    const labelWidth = context.measureText(caption).width + 14 * unit;
    const labelHeight = 24 * unit;
    const labelX = Math.min(Math.max(0, x), Math.max(0, width - labelWidth));
    const labelY = y >= labelHeight ? y - labelHeight : Math.min(y + box.height, height - labelHeight);
    context.fillStyle = '#fff';
    context.fillRect(labelX, labelY, labelWidth, labelHeight);
    context.fillStyle = '#161615';
    context.fillText(caption, labelX + 7 * unit, labelY + labelHeight / 2);
  }
}
