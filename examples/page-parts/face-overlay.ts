import type { ClassLook } from './class-look.js';

/** A face as the overlay draws it. */
export interface OverlayFace {
  id: number;
  /** As shares of the picture's width and height. */
  box: { x: number; y: number; width: number; height: number };
  caption: string;
  /** A short caption, used if the long one would cover another. */
  shortCaption?: string;
  /** Its class, for the colour; null if not yet known. */
  className: string | null;
}

export interface OverlayLook {
  /** Id of the face that is highlighted. */
  selected: number | null;
  /** Whether the picture is mirrored. */
  mirrored: boolean;
  looks: ReadonlyMap<string, ClassLook>;
}

export interface FaceOverlay {
  show(faces: readonly OverlayFace[], look: OverlayLook): void;
}

/**
 * Draws boxes and captions over a picture, at the size at which it is displayed: captions keep their size on a phone.
 *
 * @param canvas - A canvas that covers the picture exactly.
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
 * Draws a box and a caption per face onto a canvas, mirrored like the picture, except for the text.
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
  const isChosen = (face: OverlayFace) => face.id === selected || faces.length === 1;
  const boxOf = ({ box }: OverlayFace): Area => ({
    x: (mirrored ? 1 - box.x - box.width : box.x) * width,
    y: box.y * height,
    width: box.width * width,
    height: box.height * height,
  });
  // The selected face is placed first and drawn last, so that it is above the others.
  const inOrder = [...faces].sort((a, b) => Number(b.id === selected) - Number(a.id === selected));
  const labels: (Area & { text: string })[] = [];
  for (const face of inOrder) {
    context.font = fontOf(isChosen(face), unit);
    labels.push(labelFor(context, face, boxOf(face), labels, unit));
  }
  for (const [i, face] of [...inOrder.entries()].reverse()) {
    const chosen = isChosen(face);
    const box = boxOf(face);
    const label = labels[i];
    const color = (face.className !== null && looks.get(face.className)?.onPicture) || '#fff';
    // Dark below light: visible on any background.
    for (const [stroke, thick] of [
      ['rgb(0 0 0 / 0.65)', chosen ? 7 : 4],
      [chosen ? color : '#fff', chosen ? 4 : 1.5],
    ] as const) {
      context.strokeStyle = stroke;
      context.lineWidth = thick * unit;
      context.beginPath();
      context.roundRect(box.x, box.y, box.width, box.height, 6 * unit);
      context.stroke();
    }

    context.font = fontOf(chosen, unit);
    const edge = EDGE * unit;
    context.fillStyle = chosen ? '#fff' : 'rgb(22 22 21 / 0.82)';
    context.fillRect(label.x, label.y, label.width, label.height);
    context.fillStyle = color;
    context.fillRect(label.x, label.y, edge, label.height);
    context.fillStyle = chosen ? '#161615' : '#fff';
    context.fillText(label.text, label.x + edge + 7 * unit, label.y + label.height / 2, label.width - edge - 9 * unit);
  }
}

interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Width of the stripe of colour at a caption. */
const EDGE = 6;

function fontOf(chosen: boolean, unit: number): string {
  return `${chosen ? 650 : 500} ${14 * unit}px system-ui, sans-serif`;
}

/** Places a caption above, below or in the box, where there is no other; a short one if there is no place for the long one. */
function labelFor(
  context: CanvasRenderingContext2D,
  { caption, shortCaption = caption }: OverlayFace,
  box: Area,
  others: readonly Area[],
  unit: number,
): Area & { text: string } {
  const { width, height } = context.canvas;
  const labelHeight = 24 * unit;
  const above = box.y - labelHeight - 2 * unit;
  const below = box.y + box.height + 2 * unit;
  const places = [caption, shortCaption].flatMap((text) => {
    const labelWidth = Math.min(width, context.measureText(text).width + (EDGE + 14) * unit);
    const x = Math.min(Math.max(0, box.x - 2 * unit), Math.max(0, width - labelWidth));
    const at = (y: number) => ({ text, x, y, width: labelWidth, height: labelHeight });
    return [at(above), at(below)];
  });
  // Finally, inside the box.
  places.push({ ...places.at(-1)!, y: box.y + box.height - labelHeight });
  const inside = places.filter(({ y }) => y >= 0 && y + labelHeight <= height);
  return (
    inside.find((place) => !others.some((other) => overlap(place, other))) ??
    inside[0] ?? { ...places[0], y: Math.max(0, Math.min(box.y + box.height, height) - labelHeight) }
  );
}

function overlap(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
