import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { probeVideo, type VideoFrame, type VideoFramesOptions, videoFrames } from '../../src/node.js';
import { ppmImages } from '../../src/video/ppm-images.js';
import { ffmpeg, hasFfmpeg } from '../ffmpeg.js';

let folder: string;
let clip: string;

/** The one colour of a frame, as the nearest of those in the clip. */
function colourOf({ image: { data } }: VideoFrame): string {
  const [r, g, b] = data;
  return r > 128 ? 'red' : g > 100 ? 'lime' : b > 128 ? 'blue' : `${r},${g},${b}`;
}

async function read(video: string | URL, options?: VideoFramesOptions) {
  const frames: VideoFrame[] = [];
  const error = await (async () => {
    for await (const frame of videoFrames(video, options)) frames.push(frame);
  })().catch((thrown) => thrown);
  return { frames, error };
}

/** Programs of FFmpeg that this process has started, the dead ones that nobody has waited for too. */
function children(): string[] {
  const list = execFileSync('ps', ['-o', 'comm=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  return list.split('\n').filter((name) => name.startsWith('ff'));
}

describe.skipIf(!hasFfmpeg())('videoFrames', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-video-'));
    clip = join(folder, 'clip.mp4');
    const colours = ['red', 'lime', 'blue'].flatMap((name) => [
      '-f',
      'lavfi',
      '-i',
      `color=${name}:s=320x200:r=25:d=1`,
    ]);
    ffmpeg(folder, ...colours, '-filter_complex', 'concat=n=3', '-c:v', 'mpeg4', '-pix_fmt', 'yuv420p', clip);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => {
    vi.unstubAllEnvs();
    expect(children()).toEqual([]);
  });

  test('refuses a video that claims to last for weeks, unless told how many frames to take', async () => {
    const gap = join(folder, 'gap.mkv');
    const far = "setpts='if(lt(N,25),N,N+25000000)/25/TB'";
    ffmpeg(folder, '-i', clip, '-vf', far, '-vsync', '0', '-c:v', 'mpeg4', gap);
    const { duration } = await probeVideo(gap);
    expect(duration).toBeGreaterThan(9e8);
    const began = performance.now();
    const { frames, error } = await read(gap);
    expect(error).toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('maxFrames') });
    expect(frames).toEqual([]);
    expect(performance.now() - began).toBeLessThan(5000);
    const some = await read(gap, { maxFrames: 30 });
    expect(some.error).toBeUndefined();
    expect(some.frames).toHaveLength(30);
  });

  test('refuses a video of more pixels than allowed, before any of it is decoded', async () => {
    const large = await read(clip, { maxPixels: 320 * 200 - 1 });
    expect(large).toMatchObject({
      frames: [],
      error: { code: 'TOO_LARGE', message: expect.stringContaining('320x200') },
    });
    const { frames, error } = await read(clip, { maxPixels: 320 * 200, fps: 1 });
    expect(error).toBeUndefined();
    expect(frames).toHaveLength(3);
    expect((await read(clip, { maxPixels: 0 })).error).toMatchObject({ code: 'OPTION' });
  });

  test('gives frames at an even rate, each what the video shows at its time', async () => {
    const { frames, error } = await read(clip, { fps: 5 });
    expect(error).toBeUndefined();
    expect(frames.map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: 15 }, (_, i) => i * 200));
    expect(frames[0].image).toMatchObject({ width: 320, height: 200, channels: 3 });
    // A frame may lie on either side of a cut.
    for (const frame of frames.filter(({ timestamp }) => timestamp % 1000 !== 0)) {
      expect(colourOf(frame)).toBe(['red', 'lime', 'blue'][Math.floor(frame.timestamp / 1000)]);
    }
  });

  test('maxFrames and maxSize bound what is given; the default is 10 frames a second', async () => {
    const { frames } = await read(pathToFileURL(clip), { maxFrames: 4, maxSize: 100 });
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([0, 100, 200, 300]);
    expect(frames[0].image).toMatchObject({ width: 100, height: 63 });
  });

  test('a video filmed on its side comes upright, its pixels square', async () => {
    const turned = join(folder, 'turned.mp4');
    ffmpeg(folder, '-i', clip, '-c', 'copy', '-metadata:s:v', 'rotate=90', turned);
    expect((await read(turned, { maxFrames: 1 })).frames[0].image).toMatchObject({ width: 200, height: 320 });
    expect(await probeVideo(turned)).toMatchObject({ width: 200, height: 320, fps: 25, duration: 3000 });
    const wide = join(folder, 'wide.mkv');
    ffmpeg(folder, '-i', clip, '-vf', 'setsar=2', '-c:v', 'mpeg4', wide);
    expect((await read(wide, { maxFrames: 1 })).frames[0].image).toMatchObject({ width: 640, height: 200 });
    expect(await probeVideo(wide)).toMatchObject({ width: 640, height: 200, duration: 3000 });
  });

  test('leaving the loop ends ffmpeg', async () => {
    for await (const _ of videoFrames(clip, { fps: 1000 })) {
      expect(children()).toHaveLength(1);
      break;
    }
    expect(children()).toEqual([]);
  });

  test('frames that are not taken are not decoded: memory stays bounded', async () => {
    const big = join(folder, 'big.mp4');
    ffmpeg(folder, '-f', 'lavfi', '-i', 'testsrc=s=640x360:r=30:d=10', '-c:v', 'mpeg4', '-pix_fmt', 'yuv420p', big);
    const before = process.memoryUsage().arrayBuffers;
    for await (const { timestamp } of videoFrames(big, { fps: 30 })) {
      if (timestamp > 0) continue;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      // Each frame is 0.7 MB, and 300 would come.
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10e6);
      break;
    }
  });

  test('a signal stops it, before and on the way', async () => {
    expect((await read(clip, { signal: AbortSignal.abort() })).error).toMatchObject({ code: 'ABORTED' });
    const controller = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { timestamp } of videoFrames(clip, { fps: 1000, signal: controller.signal })) {
        seen.push(timestamp);
        if (seen.length === 2) controller.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ name: 'FerError', code: 'ABORTED' });
    expect(seen).toHaveLength(2);
  });

  test.each(['mkv', 'mp4'])(
    'of a truncated .%s file, what can be read is given, then DAMAGED is thrown',
    async (type) => {
      const whole = join(folder, `whole.${type}`);
      const noisy = ['-f', 'lavfi', '-i', 'testsrc=s=320x200:r=25:d=6,noise=alls=40:allf=t', '-pix_fmt', 'yuv420p'];
      // The index of an MP4 file at its beginning survives.
      ffmpeg(folder, ...noisy, ...['-c:v', 'mpeg4', '-q:v', '5', '-g', '25', '-movflags', '+faststart'], whole);
      const cut = join(folder, `cut.${type}`);
      const bytes = readFileSync(whole);
      writeFileSync(cut, bytes.subarray(0, bytes.length / 2));
      const { frames, error } = await read(cut, { fps: 10 });
      expect(frames.length).toBeGreaterThan(20);
      expect(frames.length).toBeLessThan(45);
      expect(error).toMatchObject({
        name: 'FerError',
        code: 'DAMAGED',
        message: expect.stringMatching(/cut\..*of 6\.0 s/),
      });
      // Whoever has enough before the end does not hear of it.
      expect((await read(cut, { maxFrames: 5 })).error).toBeUndefined();
    },
  );

  test('a video without its index is DAMAGED at once, what is no video is DECODE', async () => {
    const bytes = readFileSync(clip);
    writeFileSync(join(folder, 'no-index.mp4'), bytes.subarray(0, bytes.length / 2));
    expect(await read(join(folder, 'no-index.mp4'))).toEqual({
      frames: [],
      error: expect.objectContaining({ code: 'DAMAGED' }),
    });
    writeFileSync(join(folder, 'text.mp4'), 'not a video');
    expect((await read(join(folder, 'text.mp4'))).error).toMatchObject({ code: 'DECODE' });
    ffmpeg(folder, '-f', 'lavfi', '-i', 'sine=d=1', 'sound.wav');
    expect((await read(join(folder, 'sound.wav'))).error).toMatchObject({
      code: 'DECODE',
      message: expect.stringContaining('no video'),
    });
  });

  test.each(['-y.mp4', 'http:x.mp4', 'concat:a|b.mp4', '$(echo x) %03d;&.mp4'])(
    '%s is a name like another',
    async (name) => {
      const cwd = process.cwd();
      process.chdir(folder);
      try {
        copyFileSync(clip, name);
        expect((await read(name, { maxFrames: 2 })).frames).toHaveLength(2);
      } finally {
        process.chdir(cwd);
      }
    },
  );

  test('a playlist does not make it open an address', async () => {
    const playlist = join(folder, 'list.m3u8');
    writeFileSync(playlist, '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n');
    const { frames, error } = await read(playlist);
    expect(frames).toEqual([]);
    expect(error).toMatchObject({ name: 'FerError', code: 'DECODE' });
  });

  test.each([
    ['gone.mp4', undefined, 'NOT_FOUND'],
    ['.', undefined, 'INPUT'],
    [new URL('http://example.org/a.mp4'), undefined, 'INPUT'],
    ['clip.mp4', { fps: 0 }, 'OPTION'],
    ['clip.mp4', { maxFrames: 0 }, 'OPTION'],
    ['clip.mp4', { maxSize: Number.NaN }, 'OPTION'],
  ] as [string | URL, VideoFramesOptions | undefined, string][])('%s, %j: %s', async (video, options, code) => {
    const path = typeof video === 'string' ? join(folder, video) : video;
    expect((await read(path, options)).error).toMatchObject({ name: 'FerError', code });
  });
});

describe('without ffmpeg', () => {
  test('the error says how to install it', async () => {
    vi.stubEnv('PATH', '');
    const { error } = await read('package.json');
    expect(error).toMatchObject({
      code: 'PACKAGE_MISSING',
      message: expect.stringMatching(/ffprobe.*apt-get install ffmpeg/),
    });
    vi.unstubAllEnvs();
  });
});

describe('ppmImages', () => {
  test.each([
    ['more pixels than it may have', 'P6 3 1 255 ', 'TOO_LARGE', /3x1.*limit of 2/],
    ['more pixels than there is memory', 'P6 999999999 999999999 255 ', 'TOO_LARGE', /999999999x999999999/],
    ['no pixels', 'P6 0 7 255 ', 'DECODE', /no pixels: 0x7/],
    ['another depth', `P6 1 1 65535 ${'x'.repeat(60)}`, 'DECODE', /no PPM image/],
  ])('refuses %s', async (_, text, code, message) => {
    async function* chunks() {
      yield Buffer.from(text);
    }
    await expect(ppmImages(chunks(), 2).next()).rejects.toMatchObject({
      name: 'FerError',
      code,
      message: expect.stringMatching(message),
    });
  });

  test.each([1, 7, 64, 1000])('reads images from chunks of %d bytes', async (size) => {
    const bytes = Buffer.concat([
      Buffer.from('P6\n2 1\n255\n'),
      Buffer.from([1, 2, 3, 4, 5, 6]),
      Buffer.from('P6\n1 1\n255\n'),
      Buffer.from([7, 8, 9]),
      Buffer.from('P6\n1 1\n255\n!'),
    ]);
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    const images: unknown[] = [];
    for await (const image of ppmImages(chunks(), 2)) images.push(image);
    expect(images).toEqual([
      { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1, channels: 3 },
      { data: Uint8Array.of(7, 8, 9), width: 1, height: 1, channels: 3 },
    ]);
  });
});
