/** Why there is no camera, in words for the user. */
export class NoCamera extends Error {}

/**
 * Opens the camera that faces the user, about 640 by 480 pixels at up to 60 frames per second, and shows it in a `<video>`.
 *
 * @throws NoCamera
 */
export async function openCamera(video: HTMLVideoElement): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new NoCamera('Browsers give a camera only to pages that come by https or from this machine (localhost).');
  }
  try {
    const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 60 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, facingMode: 'user' }, audio: false });
    video.srcObject = stream;
    await video.play();
    return stream;
  } catch (error) {
    const { name, message } = error as DOMException;
    throw new NoCamera(REASONS[name] ?? `The camera did not start. The browser says: ${message}`);
  }
}

/** Switches the camera off. */
export function closeCamera(video: HTMLVideoElement): void {
  for (const track of (video.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

const REASONS: Record<string, string> = {
  NotAllowedError:
    'The camera is blocked for this page. Allow it in the browser, usually by the sign beside the address, and start again.',
  NotFoundError: 'No camera was found. Plug one in, or use pictures.',
  NotReadableError: 'The camera is taken by another program. Close that one, and start again.',
  OverconstrainedError: 'No camera was found that faces you. Plug one in, or use pictures.',
};
