/** Random changes to a face that keep its emotion. All are off by default (0 or `false`). */
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
   * Scales by a factor between 1 - zoom and 1 + zoom, drawn separately for width and height.
   * @default 0
   */
  zoom?: number;
  /**
   * Scales by a factor between 1 - scale and 1 + scale, the same for width and height: looser or tighter framing.
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
   * Probability that the picture is degraded: blurred, noisy, compressed as JPEG, or reduced and enlarged again.
   * @default 0
   */
  degrade?: number;
  /**
   * Probability that a degraded picture is degraded once more, for example compressed twice.
   * @default 0
   */
  degradeAgain?: number;
  /**
   * Raises levels to a power between 1 / (1 + gamma) and 1 + gamma: overexposed or underexposed pictures.
   * @default 0
   */
  gamma?: number;
  /**
   * Probability that a part of the picture is in shadow.
   * @default 0
   */
  shadow?: number;
  /**
   * Probability of motion blur, as from a moving face or camera.
   * @default 0
   */
  motionBlur?: number;
}

/** The augmentation of the original report: shear 0.2, zoom 0.2, horizontal flip. */
export const REPORT_AUGMENTATION: AugmentOptions = { shear: 0.2, zoom: 0.2, flip: true };
