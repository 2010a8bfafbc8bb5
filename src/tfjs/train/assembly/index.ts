/* The loops of ../augment.ts, with the same doubles in the same order, so that results have the same bits. */

/** Bilinear warp of floats [height, width, channels], edges continued: see `Mapping` in ../augment.ts. */
export function warp(
  data: usize, width: i32, height: i32, channels: i32,
  xx: f64, xy: f64, tx: f64, yx: f64, yy: f64, ty: f64, out: usize,
): void {
  if (channels == 1) return warpGrey(data, width, height, xx, xy, tx, yx, yy, ty, out);
  const right = width - 1, bottom = height - 1;
  const cx = <f64>right / 2, cy = <f64>bottom / 2;
  for (let y = 0; y < height; y++) {
    const rowX = cx + xy * (<f64>y - cy) + tx - xx * cx;
    const rowY = cy + yy * (<f64>y - cy) + ty - yx * cx;
    for (let x = 0; x < width; x++) {
      const sourceX = min(<f64>right, max(0.0, rowX + xx * <f64>x));
      const sourceY = min(<f64>bottom, max(0.0, rowY + yx * <f64>x));
      const x0 = <i32>sourceX, y0 = <i32>sourceY;
      const fx = sourceX - <f64>x0, fy = sourceY - <f64>y0;
      const corner = data + 4 * <usize>((y0 * width + x0) * channels);
      const beside = x0 < right ? 4 * <usize>channels : 0;
      const below = y0 < bottom ? 4 * <usize>(width * channels) : 0;
      for (let c: usize = 0; c < 4 * <usize>channels; c += 4) {
        const a = <f64>load<f32>(corner + c), b = <f64>load<f32>(corner + beside + c);
        const d = <f64>load<f32>(corner + below + c), e = <f64>load<f32>(corner + below + beside + c);
        const upper = a + (b - a) * fx;
        store<f32>(out, <f32>(upper + (d + (e - d) * fx - upper) * fy));
        out += 4;
      }
    }
  }
}

/** Like `warp`, but with x and y in one vector, and pixels above and below in another; one float after `data` is read and must be 0. */
function warpGrey(
  data: usize, width: i32, height: i32,
  xx: f64, xy: f64, tx: f64, yx: f64, yy: f64, ty: f64, out: usize,
): void {
  const limits = f64x2.replace_lane(f64x2.splat(<f64>(width - 1)), 1, <f64>(height - 1));
  const cx = <f64>(width - 1) / 2, cy = <f64>(height - 1) / 2;
  const step = f64x2.replace_lane(f64x2.splat(xx), 1, yx);
  const bottom = height - 1;
  for (let y = 0; y < height; y++) {
    const row = f64x2.replace_lane(
      f64x2.splat(cx + xy * (<f64>y - cy) + tx - xx * cx), 1, cy + yy * (<f64>y - cy) + ty - yx * cx,
    );
    for (let x = 0; x < width; x++) {
      const free = f64x2.add(row, f64x2.mul(step, f64x2.splat(<f64>x)));
      const source = f64x2.pmin(f64x2.pmax(free, f64x2.splat(0)), limits);
      const corner = f64x2.floor(source);
      const rest = f64x2.sub(source, corner);
      const whole = i32x4.trunc_sat_f64x2_s_zero(corner);
      const y0 = i32x4.extract_lane(whole, 1);
      const upper = data + 4 * <usize>(y0 * width + i32x4.extract_lane(whole, 0));
      const lower = upper + (y0 < bottom ? 4 * <usize>width : 0);
      // The pixel right of the last column has weight 0.
      const above = f64x2.promote_low_f32x4(v128.load64_zero(upper));
      const below = f64x2.promote_low_f32x4(v128.load64_zero(lower));
      const left = v128.shuffle<i64>(above, below, 0, 2), right = v128.shuffle<i64>(above, below, 1, 3);
      const fx = v128.shuffle<i64>(rest, rest, 0, 0);
      const both = f64x2.add(left, f64x2.mul(f64x2.sub(right, left), fx));
      const first = f64x2.extract_lane(both, 0);
      store<f32>(out, <f32>(first + (f64x2.extract_lane(both, 1) - first) * f64x2.extract_lane(rest, 1)));
      out += 4;
    }
  }
}

/** Each float becomes mean + (level - mean) * factor + lift. */
export function changeLevels(data: usize, count: i32, factor: f64, lift: f64): void {
  const end = data + 4 * <usize>count;
  let sum: f64 = 0;
  for (let at = data; at < end; at += 4) sum += <f64>load<f32>(at);
  const mean = sum / <f64>count;
  for (let at = data; at < end; at += 4) store<f32>(at, <f32>(mean + (<f64>load<f32>(at) - mean) * factor + lift));
}
