import type { Album, AlbumFace } from './album.js';
import { faceName } from './face-name.js';

/** An epoch of a training on the studio's server. */
export interface TrainingProgress {
  epoch: number;
  epochs: number;
  accuracy: number;
  valAccuracy?: number;
}

/** The result of a training. */
export interface TrainingOutcome {
  /** Its folder. */
  folder: string;
  /** Number of training faces and of test faces. */
  trained: number;
  measured: number;
  /** Accuracy on the test faces; `before` is missing if the labels differ from the network's. */
  before?: number;
  after: number;
  seconds: number;
  /** Addresses. */
  report: string;
  modelJson: string;
  weightsBin: string;
}

export interface TrainOnServerOptions {
  signal: AbortSignal;
  /** Share of the faces that were sent. */
  onHandedOver(share: number): void;
  onProgress(progress: TrainingProgress): void;
}

/** The process that serves this page, on this machine. */
export interface StudioServer {
  train(album: Album, faces: readonly AlbumFace[], options: TrainOnServerOptions): Promise<TrainingOutcome>;
}

/**
 * Finds the server of `npx fer-dcnn studio`, whose token is in the address.
 *
 * @returns Null for a page from another server, or without the token.
 */
export async function findStudio(): Promise<StudioServer | null> {
  const token = takeToken();
  if (token === null) return null;
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(path, { ...init, headers: { authorization: `Bearer ${token}` } });
    if (response.ok) return response;
    const { message } = (await response.json().catch(() => ({ message: response.statusText }))) as { message: string };
    throw new Error(message);
  };
  try {
    await ask('/api/studio');
  } catch {
    return null;
  }

  return {
    async train(album, faces, { signal, onHandedOver, onProgress }) {
      const used = new Set(faces.map((face) => album.labelOf(face)));
      const classes = album.labels.filter((label) => used.has(label));
      const made = await ask('/api/runs', { method: 'POST', body: JSON.stringify({ classes }), signal });
      const { id } = (await made.json()) as { id: string };
      let next = 0;
      const handOver = async () => {
        while (next < faces.length) {
          const face = faces[next++];
          const label = classes.indexOf(album.labelOf(face)!);
          const path = `/api/runs/${id}/faces/${label}/${faceName(face)}`;
          await ask(path, { method: 'PUT', body: face.cut, signal });
          onHandedOver(next / faces.length);
        }
      };
      await Promise.all([handOver(), handOver(), handOver()]);

      const answer = await ask(`/api/runs/${id}/train`, { method: 'POST', signal });
      for await (const line of linesOf(answer)) {
        if ('failed' in line) throw new Error((line.failed as { message: string }).message);
        if ('done' in line) {
          const at = `/runs/${id}`;
          const addresses = {
            report: `${at}/report.html`,
            modelJson: `${at}/model.json`,
            weightsBin: `${at}/weights.bin`,
          };
          return { ...(line.done as TrainingOutcome), ...addresses };
        }
        onProgress(line as unknown as TrainingProgress);
      }
      throw new Error('the server stopped before the training was done');
    },
  };
}

const KEPT_AS = 'fer-dcnn studio token';

/** Read from the address and then removed there, so that it does not get into bookmarks or screenshots. */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) {
    sessionStorage.setItem(KEPT_AS, token);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(KEPT_AS);
}

async function* linesOf({ body }: Response): AsyncGenerator<Record<string, unknown>> {
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}
