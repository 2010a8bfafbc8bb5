import type { EvaluationReport } from 'fer-dcnn';

/** What a training has done, in words. */
export interface Verdict {
  text: string;
  /** What makes the figures look better than the network is; empty when nothing does. */
  warnings: string[];
}

type Report = Pick<EvaluationReport, 'count' | 'accuracy' | 'confusionMatrix'> & {
  classes: readonly { className: string; support: number }[];
};

/**
 * Says what the training changed on the faces that were kept aside. More right answers in all can hide that one class is no
 * longer found: that is said first.
 *
 * @param before - Of the network as it was; null where it did not know the classes.
 */
export function verdictOf(before: Report | null, after: Report): Verdict {
  const right = (report: Report) => report.confusionMatrix.reduce((sum, row, i) => sum + row[i], 0);
  const percent = (share: number) => `${Math.round(100 * share)}%`;
  const now = `${right(after)} of the ${after.count} faces kept aside (${percent(after.accuracy)})`;
  const then = before === null ? '' : `; before it was ${right(before)} (${percent(before.accuracy)})`;

  const warnings = [...ofOneAnswer(after), ...ofLostClasses(before, after), ...ofAlike(after)];
  if (after.count < 10) {
    warnings.push(
      `Only ${after.count} faces were kept aside: each of them changes the figure by ${percent(1 / after.count)}.`,
    );
  }
  const worse = before !== null && after.accuracy < before.accuracy;
  const lead = warnings.length > 0 && after.count >= 10 ? 'Look closer: it' : worse ? 'It got worse: it' : 'It now';
  const verb = lead.endsWith('now') ? 'gets' : 'now gets';
  return { text: `${lead} ${verb} ${now} right${then}.`, warnings };
}

const AGAIN = 'Record it again, with a clearer face and a little movement, and train once more.';

/** Nearly every face is given the same name. */
function ofOneAnswer({ confusionMatrix, classes, count }: Report): string[] {
  const present = classes.filter(({ support }) => support > 0).length;
  const said = classes.map((_, to) => confusionMatrix.reduce((sum, row) => sum + row[to], 0));
  const most = said.indexOf(Math.max(...said));
  if (present < 2 || said[most] < 0.9 * count || classes[most].support > 0.75 * count) return [];
  return [
    `It says “${classes[most].className}” for ${said[most]} of ${count} faces, whatever they show. The recordings may be too similar.`,
  ];
}

/** Classes that are found worse than before, or not at all. */
function ofLostClasses(before: Report | null, after: Report): string[] {
  return after.classes.flatMap(({ className, support }, i) => {
    if (support === 0) return [];
    const right = after.confusionMatrix[i][i];
    const wasRight = before?.confusionMatrix[i][i];
    const lost = right <= 0.2 * support || (wasRight !== undefined && wasRight - right > 0.3 * support);
    if (!lost) return [];
    const was = wasRight === undefined ? '' : `, ${wasRight} before`;
    return [`It finds “${className}” in only ${right} of ${support} faces${was}. ${AGAIN}`];
  });
}

/** Pairs that are taken for each other. */
function ofAlike({ confusionMatrix, classes }: Report): string[] {
  const pairs: string[] = [];
  for (const [a, one] of classes.entries()) {
    for (const [b, other] of classes.entries()) {
      if (b <= a || one.support === 0 || other.support === 0) continue;
      const mixed = confusionMatrix[a][b] + confusionMatrix[b][a];
      if (mixed >= 0.4 * (one.support + other.support)) {
        pairs.push(`It confuses “${one.className}” and “${other.className}”: their faces look alike to it.`);
      }
    }
  }
  return pairs;
}
