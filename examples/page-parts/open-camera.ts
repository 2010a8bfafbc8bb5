/** Why there is no camera, in words for the user. */
export class NoCamera extends Error {}

/**
 * Opens the camera that faces the user, about 640 by 480 pixels at up to 60 frames per second, and shows it in a `<video>`.
 *
 * @throws NoCamera
 */
export async function openCamera(video: HTMLVideoElement): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new NoCamera('Browsers allow the camera only on pages served by https or from this machine (localhost).');
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
    'The camera is blocked for this page. Allow it in the browser, usually with the icon beside the address, and start again.',
  NotFoundError: 'No camera was found. Plug one in, or use pictures.',
  NotReadableError: 'Another program uses the camera. Close it, and start again.',
  OverconstrainedError: 'No camera that faces you was found. Plug one in, or use pictures.',
};
