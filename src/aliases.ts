/**
 * This library's name for an emotion with several names: `Happiness`, `joy` and `HA` are `happy`. Unknown names do not
 * change.
 *
 * @example
 * commonName('Surprise'); // 'surprised'
 * commonName('bored'); // 'bored'
 */
export function commonName(name: string): string {
  return COMMON.get(name.normalize('NFC').trim().toLowerCase()) ?? name;
}

/** Whether {@link commonName} knows a name. */
export function isKnownEmotion(name: string): boolean {
  return COMMON.has(name.normalize('NFC').trim().toLowerCase());
}

/** English, the two letters of JAFFE and KDEF, German, Spanish. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  angry: [
    ...['anger', 'an', 'wut', 'wütend', 'ärger', 'ärgerlich', 'zorn', 'zornig'],
    ...['ira', 'enojo', 'enojado', 'enojada', 'enfado', 'enfadado', 'enfadada', 'rabia'],
  ],
  happy: [
    ...['happiness', 'joy', 'joyful', 'ha', 'freude', 'fröhlich', 'glücklich'],
    ...['feliz', 'felicidad', 'alegría', 'alegria', 'alegre'],
  ],
  sad: ['sadness', 'sa', 'trauer', 'traurig', 'traurigkeit', 'triste', 'tristeza'],
  neutral: ['neutrality', 'calm', 'ne', 'ruhig', 'neutro', 'neutra', 'neutralidad', 'calma'],
  surprised: ['surprise', 'su', 'überrascht', 'überraschung', 'sorpresa', 'sorprendido', 'sorprendida'],
  fear: ['fearful', 'afraid', 'af', 'fe', 'angst', 'ängstlich', 'furcht', 'miedo', 'temor', 'asustado', 'asustada'],
  disgust: ['disgusted', 'di', 'ekel', 'angeekelt', 'asco', 'asqueado', 'asqueada'],
  contempt: ['contemptuous', 'verachtung', 'verächtlich', 'desprecio'],
};

const COMMON: ReadonlyMap<string, string> = new Map(
  Object.entries(ALIASES).flatMap(([name, aliases]) => [name, ...aliases].map((alias) => [alias, name] as const)),
);
