/** Random changes to a face that leave its emotion as it is. All are off at 0, and `false` where they are switches. */
export interface AugmentOptions {
  /**
   * Mirrors half of the faces, left to right.
   * @default false
   */
  flip?: boolean;
  /**
   * Largest rotation either way, degrees.
   * @default 0
   */
  rotation?: number;
  /**
   * Largest shift either way, as a share of width and of height.
   * @default 0
   */
  shift?: number;
  /**
   * Scales by a factor between 1 - zoom and 1 + zoom, width and height each by its own.
   * @default 0
   */
  zoom?: number;
  /**
   * Scales by a factor between 1 - scale and 1 + scale, width and height by the same: a looser or tighter framing.
   * @default 0
   */
  scale?: number;
  /**
   * Largest shear angle either way, radians.
   * @default 0
   */
  shear?: number;
  /**
   * Multiplies the difference from the mean level by a factor between 1 - contrast and 1 + contrast.
   * @default 0
   */
  contrast?: number;
  /**
   * Adds up to this share of the level range, either way.
   * @default 0
   */
  brightness?: number;
  /**
   * Probability that a rectangle of 2 to 20% of the area is filled with the mean level (Zhong et al., "Random Erasing",
   * 2020).
   * @default 0
   */
  erasing?: number;
  /**
   * Probability that the picture is made worse: blurred, noisy, compressed as JPEG, or reduced and enlarged again.
   * @default 0
   */
  degrade?: number;
  /**
   * Probability that a picture made worse is made worse once more, such as one compressed twice.
   * @default 0
   */
  degradeAgain?: number;
  /**
   * Raises levels to a power between 1 / (1 + gamma) and 1 + gamma: pictures exposed too long or too short.
   * @default 0
   */
  gamma?: number;
  /**
   * Probability that a part of the picture lies in shadow.
   * @default 0
   */
  shadow?: number;
  /**
   * Probability that the picture is smeared along a line, as by a moving face or camera.
   * @default 0
   */
  motionBlur?: number;
}

/** The augmentation that the original report trained with: shear 0.2, zoom 0.2, horizontal flip. */
export const REPORT_AUGMENTATION: AugmentOptions = { shear: 0.2, zoom: 0.2, flip: true };
