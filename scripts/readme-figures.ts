import { readFileSync } from 'node:fs';
import type { Metrics } from '../weights/card.js';

/** A network on the faces of FER+ `valid`, as `npm run peers` measures it. */
export interface Peer {
  name: string;
  /** The package's version. */
  version: string;
  accuracy: number;
  macroRecall: number;
  /** Median milliseconds of CPU time per face: other programs do not count. */
  milliseconds: number;
  /** Bytes of the weights as they are downloaded, and with brotli. */
  weights: number;
  weightsBrotli: number;
  /** Bytes in `node_modules` after an install, with all dependencies on this platform. */
  installed: number;
  trains: string;
  saysAccuracy: string;
}

/** What `npm run peers` measured; this package comes first. */
export const PEERS_FILE = 'docs/peers.json';

/**
 * Puts the measured figures into the text of README.md: those of the peers from `docs/peers.json`, those of the weights from
 * `weights/model.json`. A figure that stands in two places is therefore the same in both.
 *
 * @throws Error when the sentence or table of a figure is not there.
 */
export function readmeFigures(readme: string): string {
  const { peers } = JSON.parse(readFileSync(PEERS_FILE, 'utf8')) as { peers: Peer[] };
  const { userDefinedMetadata } = JSON.parse(readFileSync('weights/model.json', 'utf8'));
  const metrics = userDefinedMetadata['fer-dcnn'].metrics as Metrics;
  const { elsewhere, corruptions, classes } = metrics;
  const { accuracy, macroRecall } = metrics;
  const ours = { ...peers[0], accuracy, macroRecall };

  const places: [RegExp, string[]][] = [
    [/trained weights \((\S+) MB\)/, [(ours.weights / 1e6).toFixed(1)]],
    [/takes about (\S+) ms per face/, [ours.milliseconds.toFixed(1)]],
    [rowOf('FER+ `valid`'), cells(metrics)],
    [rowOf('news and film photos'), cells(elsewhere['photos, `valid`'])],
    [rowOf('web faces'), cells(elsewhere['web faces'])],
    [
      /_neutral_ \((\S+) recall\), often confused with _sad_ \((\S+) recall\): (\S+) of its _sad_ answers/,
      [classes.neutral.recall, classes.sad.recall, classes.sad.precision].map(rounded),
    ],
    [
      /at 28 pixels it is right about (\S+) of the time, at 18\s+about (\S+)\./,
      [corruptions.small.mild.accuracy, corruptions.small.strong.accuracy].map(rounded),
    ],
    [/<!-- peers: .* -->\n\n((?:.|\n)*?)\n\n<!-- peers: /, [peersTable([ours, ...peers.slice(1)])]],
  ];
  return places.reduce((text, [place, figures]) => replaced(text, place, figures), readme);
}

/** Replaces what the groups of the expression match. In a table, spaces after it keep the columns in line. */
function replaced(text: string, place: RegExp, figures: readonly string[]): string {
  const found = new RegExp(place.source, 'dm').exec(text);
  if (!found) throw new Error(`README.md has nothing that matches ${place}`);
  let changed = text;
  for (let k = figures.length; k > 0; k--) {
    const [begin, end] = found.indices![k]!;
    changed = changed.slice(0, begin) + figures[k - 1] + changed.slice(end);
  }
  return changed;
}

/** The four figures of a row of the first table. */
function rowOf(name: string): RegExp {
  return new RegExp(`^\\| ${name.replace('+', '\\+')}[^|]*\\| (.*?) +\\| (.*?) +\\| (.*?) +\\| (.*?) +\\|$`);
}

function cells(figures: { count: number; accuracy: number; macroRecall: number; expectedCalibrationError: number }) {
  const { count, accuracy, macroRecall, expectedCalibrationError } = figures;
  return [count.toLocaleString('en'), percent(accuracy), percent(macroRecall), expectedCalibrationError.toFixed(3)];
}

function peersTable(peers: readonly Peer[]): string {
  const rows = [
    [
      '',
      'accuracy',
      'macro recall',
      'CPU time a face',
      'weights (brotli)',
      'installed',
      'can train',
      'says how good it is',
    ],
    ...peers.map((peer) => [
      `${peer.name} ${peer.version}`,
      percent(peer.accuracy),
      percent(peer.macroRecall),
      `${peer.milliseconds.toFixed(peer.milliseconds < 1 ? 2 : 1)} ms`,
      `${megabytes(peer.weights)} (${megabytes(peer.weightsBrotli)})`,
      `${Math.round(peer.installed / 1e6)} MB`,
      peer.trains,
      peer.saysAccuracy,
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const [head, ...body] = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column])));
  return [head, widths.map((width) => '-'.repeat(width)), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** To four places first, as the figures of the model card are. */
function percent(share: number): string {
  return `${(Math.round(1e4 * share) / 100).toFixed(1)}%`;
}

function rounded(share: number): string {
  return `${Math.round(100 * share)}%`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
