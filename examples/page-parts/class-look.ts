/** The look of a class: a mark and a colour. Never only a colour. */
export interface ClassLook {
  /** One or two letters. */
  letters: string;
  /** A CSS colour of the page's theme, for graphics, not for text. */
  color: string;
  /** A colour that is visible on any picture. */
  onPicture: string;
}

/**
 * The look of each class. Hues are of Okabe and Ito's palette (2008), which people with any kind of colour vision can
 * distinguish; `page.css` darkens them on light paper.
 *
 * @param classes - Names, in any number: colours repeat after eight, letters do not.
 */
export function classLooks(classes: readonly string[]): Map<string, ClassLook> {
  return new Map(
    classes.map((name, i) => [
      name,
      { letters: lettersOf(name, classes), color: `var(--class-${i % 8})`, onPicture: ON_PICTURE[i % 8] },
    ]),
  );
}

/** Vermilion, orange, sky blue, grey, reddish purple, bluish green, yellow, blue. */
const ON_PICTURE = ['#ff7a2e', '#e69f00', '#56b4e9', '#d0d0d0', '#e59bc4', '#3cc79b', '#f0e442', '#7aa8ff'];

/** The first letter, or two where another class begins with the same one. */
function lettersOf(name: string, classes: readonly string[]): string {
  const [first, second = ''] = [...name.trim()];
  if (first === undefined) return '?';
  const alike = classes.filter((other) => [...other.trim()][0]?.toLowerCase() === first.toLowerCase()).length > 1;
  return first.toUpperCase() + (alike ? second.toLowerCase() : '');
}
