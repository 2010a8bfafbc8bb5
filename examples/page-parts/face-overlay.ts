import type { ClassLook } from './class-look.js';

/** A face as the overlay draws it. */
export interface OverlayFace {
  id: number;
  /** As shares of the picture's width and height. */
  box: { x: number; y: number; width: number; height: number };
  caption: string;
  /** A short caption: all faces get theirs if the long ones would cover another caption or face. */
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
  const boxes = inOrder.map(boxOf);
  const labelsOf = (textOf: (face: OverlayFace) => string) => {
    const labels: Label[] = [];
    for (const [i, face] of inOrder.entries()) {
      context.font = fontOf(isChosen(face), unit);
      const others = [...labels, ...boxes.filter((_, k) => k !== i)];
      labels.push(labelFor(context, textOf(face), edgeOf(face) * unit, boxes[i], others, unit));
    }
    return labels;
  };
  let labels = labelsOf(({ caption }) => caption);
  if (labels.some(({ covers }) => covers)) labels = labelsOf(({ caption, shortCaption = caption }) => shortCaption);
  for (const [i, face] of [...inOrder.entries()].reverse()) {
    const chosen = isChosen(face);
    const box = boxes[i];
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
    const edge = edgeOf(face) * unit;
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

/** A caption, and where it lies. */
interface Label extends Area {
  text: string;
  /** Whether it covers another caption or face. */
  covers: boolean;
}

/** Width of the stripe of colour at a caption. */
function edgeOf({ className }: OverlayFace): number {
  return className === null ? 0 : 6;
}

function fontOf(chosen: boolean, unit: number): string {
  return `${chosen ? 650 : 500} ${14 * unit}px system-ui, sans-serif`;
}

/** Places a caption above or below the box where there is space, or else in the box, where it covers the face. */
function labelFor(
  context: CanvasRenderingContext2D,
  text: string,
  edge: number,
  box: Area,
  others: readonly Area[],
  unit: number,
): Label {
  const { width: across, height: down } = context.canvas;
  const width = Math.min(across, context.measureText(text).width + edge + 14 * unit);
  const height = 24 * unit;
  const x = Math.min(Math.max(0, box.x - 2 * unit), Math.max(0, across - width));
  const bottom = box.y + box.height;
  const at = (y: number) => ({ x, y, width, height, text });
  const isFree = (place: Area) => !others.some((other) => overlap(place, other));
  const places = [box.y - height - 2 * unit, bottom + 2 * unit].filter((y) => y >= 0 && y + height <= down).map(at);
  const inside = at(Math.max(0, Math.min(bottom, down) - height));
  const free = places.find(isFree);
  return free ? { ...free, covers: false } : { ...(isFree(inside) ? inside : (places[0] ?? inside)), covers: true };
}

function overlap(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
