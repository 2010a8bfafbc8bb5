import { byId, element } from '../../page-parts/elements.js';
import { showNotice } from '../../page-parts/show-notice.js';
import type { Album, AlbumFace } from './album.js';
import { findStudio, type StudioServer } from './studio-server.js';

/** Fewest faces of a label: one of five measures. */
const LEAST = 5;

const trainButton = byId<HTMLButtonElement>('train');
const stopButton = byId<HTMLButtonElement>('stop-training');
const bar = byId<HTMLProgressElement>('training-progress');

/**
 * The part of the page that trains: on the faces that the user labelled, or on all.
 *
 * @returns A function to call when faces or labels changed.
 */
export function trainPanel(album: Album, say: (text: string) => void): { refresh(): void } {
  let server: StudioServer | null = null;
  let asked = false;
  let stopping: AbortController | null = null;

  findStudio().then((found) => {
    server = found;
    asked = true;
    refresh();
  });
  byId('train-on').addEventListener('change', refresh);
  trainButton.addEventListener('click', train);
  stopButton.addEventListener('click', () => stopping?.abort());

  function teaching(): AlbumFace[] {
    const { value } = document.querySelector<HTMLInputElement>('#train-on :checked')!;
    return album.faces.filter((face) => (value === 'mine' ? face.mine !== null : album.labelOf(face) !== null));
  }

  function refresh(): void {
    const mine = album.faces.filter((face) => face.mine !== null).length;
    const all = album.faces.filter((face) => album.labelOf(face) !== null).length;
    byId('train-mine').textContent = `The ${mine} that you labelled`;
    byId('train-all').textContent = `All ${all} with a label: those that you did not correct count as right`;
    const missing = !asked ? '' : server === null ? NO_SERVER : missingFor(teaching());
    byId('train-needs').textContent =
      missing ||
      `${counted(countsOf(teaching()))}. Four fifths train the network, one fifth tests it. This takes seconds to minutes.`;
    trainButton.disabled = !asked || missing !== '' || stopping !== null;
  }

  function countsOf(faces: readonly AlbumFace[]): Map<string, number> {
    const counts = new Map<string, number>();
    for (const label of album.labels) {
      const count = faces.filter((face) => album.labelOf(face) === label).length;
      if (count > 0) counts.set(label, count);
    }
    return counts;
  }

  /** What is missing before training can start, or nothing. */
  function missingFor(faces: readonly AlbumFace[]): string {
    const counts = countsOf(faces);
    const few = [...counts].filter(([, count]) => count < LEAST);
    if (counts.size === 0) return `Label some faces first: at least two labels, with ${LEAST} faces or more each.`;
    if (few.length > 0) return `Too few yet: ${counted(new Map(few))}. Each label needs ${LEAST} faces, or none.`;
    return counts.size < 2 ? `${counted(counts)}. A second label with ${LEAST} faces is needed.` : '';
  }

  async function train(): Promise<void> {
    const faces = teaching();
    stopping = new AbortController();
    showNotice(null);
    byId('training').hidden = false;
    byId('trained').hidden = true;
    stopButton.hidden = false;
    bar.value = 0;
    refresh();
    stopButton.focus();
    say('Training has begun.');
    try {
      const outcome = await server!.train(album, faces, {
        signal: stopping.signal,
        onHandedOver(share) {
          bar.value = 0.1 * share;
          byId('training-label').textContent = `Sending ${faces.length} faces to the program`;
        },
        onProgress({ epoch, epochs, valAccuracy }) {
          bar.value = 0.1 + (0.9 * epoch) / epochs;
          const right = valAccuracy === undefined ? '' : `: ${percent(valAccuracy)} of the test faces are right`;
          byId('training-label').textContent = `Epoch ${epoch} of ${epochs}${right}`;
        },
      });
      byId('training').hidden = true;
      const before = outcome.before === undefined ? '' : `, ${percent(outcome.before)} before`;
      byId('verdict').textContent =
        `Of ${outcome.measured} test faces, ${percent(outcome.after)} are right${before}.` +
        (outcome.measured < 30 ? ' These are too few for a reliable figure: label more faces.' : '');
      byId('outcome').replaceChildren(
        element(
          'a',
          { id: 'report', class: 'button', href: outcome.report, target: '_blank', rel: 'noopener' },
          'Open the report',
        ),
        element('a', { href: outcome.modelJson, download: 'model.json' }, 'model.json'),
        element('a', { href: outcome.weightsBin, download: 'weights.bin' }, 'weights.bin'),
      );
      byId('run-folder').textContent = outcome.folder;
      byId('trained').hidden = false;
      byId('trained').focus();
    } catch (error) {
      byId('training').hidden = true;
      showNotice(stopping.signal.aborted ? 'Training was stopped.' : `Training failed: ${(error as Error).message}`);
      trainButton.focus();
    }
    stopping = null;
    stopButton.hidden = true;
    refresh();
  }

  refresh();
  return { refresh };
}

const NO_SERVER =
  'Training needs the program behind this page: start npx fer-dcnn studio, and open the address that it prints.';

function counted(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([label, count]) => `${count} ${label}`).join(', ');
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}
