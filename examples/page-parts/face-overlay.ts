import type { ClassLook } from './class-look.js';

/** A face as the overlay draws it. */
export interface OverlayFace {
  id: number;
  /** As shares of the picture's width and height. */
  box: { x: number; y: number; width: number; height: number };
  caption: string;
  /** What it shows, for the colour; null when nothing is known yet. */
  className: string | null;
}

export interface OverlayLook {
  /** Id of the face that is highlighted. */
  selected: number | null;
  /** Whether the picture is shown as a mirror shows it. */
  mirrored: boolean;
  looks: ReadonlyMap<string, ClassLook>;
}

export interface FaceOverlay {
  show(faces: readonly OverlayFace[], look: OverlayLook): void;
}

/**
 * Draws boxes and captions over a picture, at the size at which it is displayed: captions keep their size on a phone.
 *
 * @param canvas - Lies upon the picture and covers it exactly.
 * @param onSelect - Gets the id of a face whose box was clicked.
 */
export function faceOverlay(canvas: HTMLCanvasElement, onSelect: (id: number) => void): FaceOverlay {
  const context = canvas.getContext('2d')!;
  let shown: readonly OverlayFace[] = [];
  let look: OverlayLook = { selected: null, mirrored: false, looks: new Map() };

  function draw(): void {
    const width = Math.round(canvas.clientWidth * devicePixelRatio);
    const height = Math.round(canvas.clientHeight * devicePixelRatio);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    context.clearRect(0, 0, width, height);
    drawFaces(context, shown, look, devicePixelRatio);
  }
  new ResizeObserver(draw).observe(canvas);

  const faceAt = ({ offsetX, offsetY }: MouseEvent) => {
    const at = { x: offsetX / canvas.clientWidth, y: offsetY / canvas.clientHeight };
    if (look.mirrored) at.x = 1 - at.x;
    return shown
      .filter(({ box }) => at.x >= box.x && at.x < box.x + box.width && at.y >= box.y && at.y < box.y + box.height)
      .sort((a, b) => a.box.width - b.box.width)[0];
  };
  canvas.addEventListener('click', (event) => {
    const face = faceAt(event);
    if (face) onSelect(face.id);
  });
  canvas.addEventListener('pointermove', (event) => {
    canvas.style.cursor = shown.length > 1 && faceAt(event) ? 'pointer' : '';
  });

  return {
    show(faces, how) {
      shown = faces;
      look = how;
      draw();
    },
  };
}

/**
 * Draws a box and a caption a face onto a canvas, over what is there; mirrored as the picture is, but for the letters.
 *
 * @param unit - Pixels of the canvas to one of the display: captions are 14 of these high.
 */
export function drawFaces(
  context: CanvasRenderingContext2D,
  faces: readonly OverlayFace[],
  { selected, mirrored, looks }: OverlayLook,
  unit: number,
): void {
  const { width, height } = context.canvas;
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  // The selected one last: it lies above the others.
  for (const face of [...faces].sort((a, b) => Number(a.id === selected) - Number(b.id === selected))) {
    const chosen = face.id === selected || faces.length === 1;
    const box = { width: face.box.width * width, height: face.box.height * height };
    const x = (mirrored ? 1 - face.box.x - face.box.width : face.box.x) * width;
    const y = face.box.y * height;
    const color = (face.className !== null && looks.get(face.className)?.onPicture) || '#fff';
    // Dark below light: seen on any ground.
    for (const [stroke, thick] of [
      ['rgb(0 0 0 / 0.65)', chosen ? 7 : 4],
      [chosen ? color : '#fff', chosen ? 4 : 1.5],
    ] as const) {
      context.strokeStyle = stroke;
      context.lineWidth = thick * unit;
      context.beginPath();
      context.roundRect(x, y, box.width, box.height, 6 * unit);
      context.stroke();
    }

    context.font = `${chosen ? 650 : 500} ${14 * unit}px system-ui, sans-serif`;
    const labelHeight = 24 * unit;
    const edge = 6 * unit;
    const labelWidth = Math.min(width, context.measureText(face.caption).width + edge + 14 * unit);
    const labelX = Math.min(Math.max(0, x - 2 * unit), Math.max(0, width - labelWidth));
    const labelY = y >= labelHeight ? y - labelHeight - 2 * unit : Math.min(y + box.height, height - labelHeight);
    context.fillStyle = chosen ? '#fff' : 'rgb(22 22 21 / 0.82)';
    context.fillRect(labelX, labelY, labelWidth, labelHeight);
    context.fillStyle = color;
    context.fillRect(labelX, labelY, edge, labelHeight);
    context.fillStyle = chosen ? '#161615' : '#fff';
    context.fillText(face.caption, labelX + edge + 7 * unit, labelY + labelHeight / 2, labelWidth - edge - 9 * unit);
  }
}
