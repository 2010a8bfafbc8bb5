import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { probeVideo, type VideoFrame, type VideoFramesOptions, videoFrames } from '../../src/node.js';
import { ppmImages } from '../../src/video/ppm-images.js';
import { ffmpeg, hasFfmpeg } from '../ffmpeg.js';
import { rows } from '../night.js';

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

/** FFmpeg's processes that this process has started, including ended ones that were not waited for. */
function children(): string[] {
  const list = execFileSync('ps', ['-o', 'comm=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  return list.split('\n').filter((name) => name.startsWith('ff'));
}

/** Puts a program of this name before all others, which only tells whether it was started. */
function programThatTells(name: string): () => boolean {
  const bin = mkdtempSync(join(folder, 'bin-'));
  writeFileSync(join(bin, name), `#!/bin/sh\ntouch '${bin}/started'\nexit 1\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
  return () => existsSync(join(bin, 'started'));
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

  test('refuses a video that declares a length of weeks, unless maxFrames is given', async () => {
    const gap = join(folder, 'gap.mkv');
    const far = "setpts='if(lt(N,25),N,N+25000000)/25/TB'";
    ffmpeg(folder, '-i', clip, '-vf', far, '-vsync', '0', '-c:v', 'mpeg4', gap);
    const { duration } = await probeVideo(gap);
    expect(duration).toBeGreaterThan(9e8);
    const { PATH } = process.env;
    const started = programThatTells('ffmpeg');
    const { frames, error } = await read(gap);
    expect(error).toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('maxFrames') });
    expect(frames).toEqual([]);
    expect(started()).toBe(false);
    vi.stubEnv('PATH', PATH);
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

  test('gives frames at an even rate, each as the video shows it at that time', async () => {
    const { frames, error } = await read(clip, { fps: 5 });
    expect(error).toBeUndefined();
    expect(frames.map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: 15 }, (_, i) => i * 200));
    expect(frames[0].image).toMatchObject({ width: 320, height: 200, channels: 3 });
    // A frame may lie on either side of a cut.
    for (const frame of frames.filter(({ timestamp }) => timestamp % 1000 !== 0)) {
      expect(colourOf(frame)).toBe(['red', 'lime', 'blue'][Math.floor(frame.timestamp / 1000)]);
    }
  });

  test('maxFrames and maxSize limit the frames; the default is 10 frames per second', async () => {
    const { frames } = await read(pathToFileURL(clip), { maxFrames: 4, maxSize: 100 });
    // Of 25 frames a second, those at 40 ms: the first at or after each tenth of a second.
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([0, 120, 200, 320]);
    expect(frames[0].image).toMatchObject({ width: 100, height: 63 });
  });

  describe.each(rows(['mkv', 'mp4', 'mov'], 2))('of a picture that begins 3 s after its sound (.%s)', (type) => {
    test('gives the existing frames at their own times', async () => {
      const late = join(folder, `late.${type}`);
      const picture = ['-itsoffset', '3', '-f', 'lavfi', '-i', 'testsrc=s=64x48:r=10:d=1.5'];
      const sound = ['-f', 'lavfi', '-i', 'sine=d=4.5'];
      ffmpeg(folder, ...picture, ...sound, '-fps_mode', 'passthrough', '-c:v', 'mpeg4', '-pix_fmt', 'yuv420p', late);
      const { frames, error } = await read(late);
      expect(error).toBeUndefined();
      expect(frames.map(({ timestamp }) => Math.round(timestamp / 10))).toEqual(
        Array.from({ length: 15 }, (_, k) => 300 + 10 * k),
      );
      expect(new Set(frames.map(({ image }) => Buffer.from(image.data).toString('base64'))).size).toBe(15);
    });
  });

  test('keeps a gap as a gap, and takes a long last frame for no damage', async () => {
    const gap = join(folder, 'gap.mkv');
    // Frames at 0, 0.1, ... 0.4 s, then at 5.0, ... 5.4 s; the last one lasts.
    const times = 'setpts=(N+if(gte(N\\,5)\\,45\\,0))/(10*TB)';
    const source = ['-f', 'lavfi', '-i', 'testsrc=s=64x48:r=10:d=1'];
    ffmpeg(folder, ...source, '-vf', times, '-fps_mode', 'passthrough', '-c:v', 'mpeg4', '-pix_fmt', 'yuv420p', gap);
    const { frames, error } = await read(gap);
    expect(error).toBeUndefined();
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([0, 100, 200, 300, 400, 5000, 5100, 5200, 5300, 5400]);

    const slide = join(folder, 'slide.mp4');
    const still = ['-f', 'lavfi', '-i', 'color=red:s=64x48:r=1:d=1', '-vf', 'setpts=N*8/TB'];
    ffmpeg(folder, ...still, '-fps_mode', 'passthrough', '-c:v', 'mpeg4', '-r', '0.125', slide);
    expect(await probeVideo(slide)).toMatchObject({ duration: 8000 });
    const shown = await read(slide);
    expect(shown.error).toBeUndefined();
    expect(shown.frames.map(({ timestamp }) => timestamp)).toEqual([0]);
  });

  test('gives no frame twice when more are requested than exist', async () => {
    const { frames } = await read(clip, { fps: 1000 });
    expect(frames.map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: 75 }, (_, k) => 40 * k));
  });

  test.each(rows(['mp4', 'flv', 'mkv', 'ts', 'avi'], 2))(
    'accepts a picture track that is shorter than its sound (.%s)',
    async (type) => {
      const short = join(folder, `short.${type}`);
      const picture = ['-f', 'lavfi', '-i', 'testsrc=s=64x48:r=10:d=2'];
      const codec = type === 'flv' ? 'flv1' : 'mpeg4';
      ffmpeg(folder, ...picture, '-f', 'lavfi', '-i', 'sine=d=6:r=44100', '-c:v', codec, '-pix_fmt', 'yuv420p', short);
      const { frames, error } = await read(short);
      expect(error).toBeUndefined();
      expect(frames).toHaveLength(20);
      const { duration } = await probeVideo(short);
      if (type === 'flv') expect(duration).toBeNull();
      else expect(Math.abs((duration ?? 0) - 2000)).toBeLessThan(150);
    },
  );

  test.each(rows(['mp3', 'm4a', 'flac'], 1))('finds no video in a song with a cover (.%s)', async (type) => {
    const song = join(folder, `song.${type}`);
    ffmpeg(folder, '-f', 'lavfi', '-i', 'color=red:s=64x64:d=1', '-frames:v', '1', 'cover.png');
    const cover = ['-i', 'cover.png', '-map', '0', '-map', '1', '-c:v', 'copy', '-disposition:v', 'attached_pic'];
    ffmpeg(folder, '-f', 'lavfi', '-i', 'sine=d=3', ...cover, song);
    expect((await read(song)).error).toMatchObject({ code: 'DECODE', message: expect.stringContaining('no video') });
  });

  test('turns a video that was filmed sideways upright, with square pixels', async () => {
    const turned = join(folder, 'turned.mp4');
    ffmpeg(folder, '-i', clip, '-c', 'copy', '-metadata:s:v', 'rotate=90', turned);
    expect((await read(turned, { maxFrames: 1 })).frames[0].image).toMatchObject({ width: 200, height: 320 });
    expect(await probeVideo(turned)).toMatchObject({ width: 200, height: 320, fps: 25, duration: 3000 });
    const wide = join(folder, 'wide.mkv');
    ffmpeg(folder, '-i', clip, '-vf', 'setsar=2', '-c:v', 'mpeg4', wide);
    expect((await read(wide, { maxFrames: 1 })).frames[0].image).toMatchObject({ width: 640, height: 200 });
    expect(await probeVideo(wide)).toMatchObject({ width: 640, height: 200, duration: 3000 });
  });

  test('ends ffmpeg when the loop is left', async () => {
    for await (const _ of videoFrames(clip, { fps: 1000 })) {
      expect(children()).toHaveLength(1);
      break;
    }
    expect(children()).toEqual([]);
  });

  test('decodes no frames ahead of the reader: memory stays bounded', async () => {
    const big = join(folder, 'big.mp4');
    ffmpeg(folder, '-f', 'lavfi', '-i', 'testsrc=s=640x360:r=30:d=3', '-c:v', 'mpeg4', '-pix_fmt', 'yuv420p', big);
    const before = process.memoryUsage().arrayBuffers;
    for await (const { timestamp } of videoFrames(big, { fps: 30 })) {
      if (timestamp > 0) continue;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      // Each frame is 0.7 MB, and 90 would come.
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10e6);
      break;
    }
  });

  test('stops at a signal, before the start and during decoding', async () => {
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

  test.each(rows(['mkv', 'mp4'], 1))(
    'gives the readable part of a truncated .%s file, then throws DAMAGED',
    async (type) => {
      const whole = join(folder, `whole.${type}`);
      const noisy = ['-f', 'lavfi', '-i', 'testsrc=s=160x100:r=25:d=6,noise=alls=40:allf=t', '-pix_fmt', 'yuv420p'];
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

  test('reports DAMAGED for a video without its index, DECODE for a file that is not a video', async () => {
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

  test.each(rows(['-y.mp4', 'concat:a|b.mp4', 'http:x.mp4', '$(echo x) %03d;&.mp4'], 2))(
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

  test.each<[string, (clip: string) => string]>([
    ['HLS', (file) => `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n${file}\n#EXT-X-ENDLIST\n`],
    ['live HLS', (file) => `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n${file}\n`],
    ['ffconcat', (file) => `ffconcat version 1.0\nfile ${file}\n`],
    [
      'DASH',
      (file) =>
        `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1" width="320" height="200"><BaseURL>${file}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
    ],
  ])('%s that is named .mp4 reads no other file', async (_, text) => {
    if (!existsSync(join(folder, 'clip.ts'))) ffmpeg(folder, '-i', clip, '-c', 'copy', 'clip.ts');
    const playlist = join(folder, 'playlist.mp4');
    for (const file of ['clip.ts', 'clip.mp4']) {
      writeFileSync(playlist, text(file));
      const { frames, error } = await read(playlist);
      expect(frames).toEqual([]);
      expect(error).toMatchObject({ name: 'FerError', code: 'DECODE' });
    }
  });

  test.skipIf(process.platform === 'win32')(
    'stops waiting for ffprobe after a time limit, or at a signal',
    async () => {
      const bin = join(folder, 'bin');
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(bin, 'ffprobe'), '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
      vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
      await expect(probeVideo(clip, { maxMilliseconds: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' });
      await expect(probeVideo(clip, { maxMilliseconds: 0 })).rejects.toMatchObject({ code: 'OPTION' });
      const controller = new AbortController();
      const probing = probeVideo(clip, { signal: controller.signal });
      const reading = read(clip, { signal: controller.signal });
      setTimeout(() => controller.abort(), 50);
      await expect(probing).rejects.toMatchObject({ name: 'FerError', code: 'ABORTED' });
      expect((await reading).error).toMatchObject({ name: 'FerError', code: 'ABORTED' });
    },
  );

  test('opens no address that a playlist names', async () => {
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
    ['more pixels than allowed', 'P6 3 1 255 ', 'TOO_LARGE', /3x1.*limit of 2/],
    ['more pixels than there is memory', 'P6 999999999 999999999 255 ', 'TOO_LARGE', /999999999x999999999/],
    ['no pixels', 'P6 0 7 255 ', 'DECODE', /no pixels: 0x7/],
    ['another depth', `P6 1 1 65535 ${'x'.repeat(60)}`, 'DECODE', /not a PPM image/],
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
