/**
 * The five emotions, in the order of the network's outputs: index 0 is angry, 1 happy, 2 sad, 3 neutral, 4 surprised.
 * The indices are those of the report "Facial Emotion Recognition Using Deep Convolutional Neural Network".
 */
export const EMOTIONS = ['angry', 'happy', 'sad', 'neutral', 'surprised'] as const;

/** One of {@link EMOTIONS}. */
export type Emotion = (typeof EMOTIONS)[number];
