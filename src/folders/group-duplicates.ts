import type { Exclusion } from './exclusions.js';

/** A group of images that show the same picture. */
export interface DuplicateGroup {
  files: string[];
  /** Whether all have the same pixels. Otherwise they are nearly the same: saved again, resized, brightened, mirrored. */
  exact: boolean;
  /** Whether they are in more than one of train, val and test. */
  acrossSplits: boolean;
  /** Whether their labels differ. */
  acrossClasses: boolean;
}

/** What is known of one image in the search for duplicates. */
export interface CheckedImage {
  file: string;
  split: string;
  className: string;
  /** Hash of the pixels. */
  pixels: string;
  /** Grey levels, [32 * 32]. */
  luma: Uint8Array;
}

/**
 * Groups images that show the same picture, and suggests which to leave out. For images in several splits, these are the
 * images of the training part; for duplicates inside a split, all but the first. If labels differ, all are left out,
 * because the correct label is unknown.
 *
 * @param near - Pairs of indices of images that are nearly the same.
 * @returns Groups in the order of their first images. An exact group inside a near group is also listed separately.
 */
export function groupDuplicates(
  images: readonly CheckedImage[],
  near: readonly (readonly [number, number])[],
): { groups: DuplicateGroup[]; exclusions: Exclusion[] } {
  const byPixels = new Map<string, number[]>();
  images.forEach(({ pixels }, i) => {
    const members = byPixels.get(pixels);
    if (members === undefined) byPixels.set(pixels, [i]);
    else members.push(i);
  });
  const exact = [...byPixels.values()].filter((members) => members.length > 1);
  const joined = components(images.length, [
    ...near,
    ...exact.flatMap(([first, ...rest]) => rest.map((i) => [first, i] as const)),
  ]);
  const alike = joined.filter((members) => new Set(members.map((i) => images[i].pixels)).size > 1);

  const groups = [
    ...exact.map((members) => ({ members, exact: true })),
    ...alike.map((members) => ({ members, exact: false })),
  ]
    .sort((a, b) => a.members[0] - b.members[0] || Number(b.exact) - Number(a.exact))
    .map(({ members, exact }) => ({
      files: members.map((i) => images[i].file),
      exact,
      acrossSplits: new Set(members.map((i) => images[i].split)).size > 1,
      acrossClasses: new Set(members.map((i) => images[i].className)).size > 1,
    }));
  return { groups, exclusions: joined.flatMap((members) => exclusionsOf(members.map((i) => images[i]))) };
}

/** Connected sets of indices, each ascending, in the order of their first index. */
function components(count: number, pairs: readonly (readonly [number, number])[]): number[][] {
  const root = Int32Array.from({ length: count }, (_, i) => i);
  const rootOf = (i: number): number => {
    let at = i;
    while (root[at] !== at) {
      root[at] = root[root[at]];
      at = root[at];
    }
    return at;
  };
  for (const [a, b] of pairs) {
    const [x, y] = [rootOf(a), rootOf(b)];
    root[Math.max(x, y)] = Math.min(x, y);
  }
  const sets = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    const members = sets.get(rootOf(i));
    if (members === undefined) sets.set(rootOf(i), [i]);
    else members.push(i);
  }
  return [...sets.values()].filter((members) => members.length > 1);
}

function exclusionsOf(group: readonly CheckedImage[]): Exclusion[] {
  const most = Math.max(...group.map(({ split }) => precedence(split)));
  const last = group.filter(({ split }) => precedence(split) === most);
  if (new Set(last.map(({ className }) => className)).size > 1) {
    const labels = [...new Set(group.map(({ className }) => className))].join(' and ');
    return group.map(({ file }) => ({ path: file, reason: `one picture, labelled ${labels}` }));
  }
  const [kept] = last;
  return group
    .filter((image) => image !== kept)
    .map(({ file, pixels }) => ({
      path: file,
      reason: `${pixels === kept.pixels ? 'the same as' : 'nearly the same as'} ${kept.file}`,
    }));
}

/** Priority for duplicates across splits: test keeps its image before validation, validation before training. */
function precedence(split: string): number {
  if (/^(test|private)/i.test(split)) return 2;
  return /^(val|public)/i.test(split) ? 1 : 0;
}
