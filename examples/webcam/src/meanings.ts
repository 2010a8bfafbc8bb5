import { EMOTIONS, type Emotion } from 'fer-dcnn/lite';
import { classLooks } from '../../page-parts/class-look.js';
import { classMark } from '../../page-parts/class-mark.js';
import { byId, element } from '../../page-parts/elements.js';

export const LOOKS = classLooks(EMOTIONS);

/** What a face with this label looks like. */
const SEEN: Record<Emotion, string> = {
  angry: 'brows drawn down and together, lips pressed or tight',
  happy: 'a smile: corners of the mouth up, cheeks raised',
  sad: 'inner ends of the brows up, corners of the mouth down',
  neutral: 'a face at rest',
  surprised: 'brows up, eyes wide, mouth open',
};

/** Fills the list of the five words. */
export function showMeanings(): void {
  byId('meanings').replaceChildren(
    ...EMOTIONS.map((emotion) =>
      element(
        'div',
        {},
        element('dt', {}, classMark(emotion, LOOKS.get(emotion)!), emotion),
        element('dd', {}, SEEN[emotion]),
      ),
    ),
  );
}
