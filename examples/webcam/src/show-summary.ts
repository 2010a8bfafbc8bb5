import { EMOTIONS, summaryToCsv, summaryToJson, type TrackSummary } from 'fer-dcnn/lite';
import { classMark } from '../../page-parts/class-mark.js';
import { byId, element } from '../../page-parts/elements.js';
import { saveFile } from '../../page-parts/save-file.js';
import { clock } from './clock.js';
import { headlineOf } from './headline-of.js';
import { LOOKS } from './meanings.js';

/** Shows the summary of a camera or video from start to end. */
export function showSummary(summary: TrackSummary): void {
  const { faces, from, to } = summary;
  byId('headline').textContent = headlineOf(summary);
  byId('summary-faces').replaceChildren(...faces.map((face) => table(face, from, to)));

  byId('save-json').onclick = () =>
    saveFile('expressions.json', new Blob([summaryToJson(summary)], { type: 'application/json' }));
  byId('save-csv').onclick = () => saveFile('expressions.csv', new Blob([summaryToCsv(summary)], { type: 'text/csv' }));
  byId('summary').hidden = false;
}

function table({ id, emotions, timeline }: TrackSummary['faces'][number], from: number, to: number): HTMLElement {
  const head = element('tr');
  for (const [name, className] of [
    ['Expression', ''],
    ['Share', 'number'],
    ['Time', 'number'],
    ['When', 'when'],
  ]) {
    head.append(element('th', { scope: 'col', class: className }, name));
  }
  // A face that was seen for a moment only may have none.
  const seen = EMOTIONS.filter((emotion) => emotions[emotion].episodes > 0);
  const rows = (seen.length > 0 ? seen : EMOTIONS).map((emotion) => {
    const { share, duration, episodes } = emotions[emotion];
    const strip = element('div', { 'aria-hidden': 'true' });
    for (const episode of timeline.filter((one) => one.emotion === emotion)) {
      const mark = element('span');
      mark.style.setProperty('--class', LOOKS.get(emotion)!.color);
      mark.style.left = `${(100 * (episode.from - from)) / (to - from)}%`;
      mark.style.width = `${(100 * (episode.to - episode.from)) / (to - from)}%`;
      strip.append(mark);
    }
    return element(
      'tr',
      { class: episodes === 0 ? 'none' : '' },
      element('th', { scope: 'row' }, classMark(emotion, LOOKS.get(emotion)!), emotion),
      element('td', { class: 'number' }, `${Math.round(100 * share)}%`),
      element('td', { class: 'number' }, clock(duration)),
      element('td', { class: 'when' }, strip),
    );
  });
  const caption = element('caption', {}, `Face ${id}`);
  return element('table', {}, caption, element('thead', {}, head), element('tbody', {}, ...rows));
}
