import type { Box } from 'fer-dcnn';

const square = (x: number, y: number, side: number): Box => ({ x, y, width: side, height: side });

/**
 * The faces in the photos of `@vladmandic/face-api` (`demo/sample1..6.jpg`), from left to right: squares from forehead to chin,
 * slightly loose, with the framing of the training pictures. They were found once with that package's detector and
 * landmarks.
 */
export const FACES: Record<string, Box[]> = {
  'sample1.jpg': [square(381, 362, 241), square(799, 397, 263), square(1425, 171, 272)],
  'sample2.jpg': [square(296, 143, 250), square(881, 236, 194), square(1406, 128, 278)],
  'sample3.jpg': [square(538, 311, 300), square(1019, 189, 332), square(1441, 285, 299)],
  'sample4.jpg': [square(213, 176, 254), square(613, 39, 274), square(952, 179, 234), square(1212, 127, 265)],
  'sample5.jpg': [
    square(304, 852, 321),
    square(552, 408, 265),
    square(740, 87, 243),
    square(1063, 189, 257),
    square(1352, 385, 281),
  ],
  'sample6.jpg': [square(204, 468, 301), square(611, 321, 312), square(1139, 325, 260), square(1422, 241, 328)],
};
