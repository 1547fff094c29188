/** Numbers as people read them. */

const STEPS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** `3d 4h`, `12m 5s`, `0s`: the two largest steps. */
export function readableDuration(seconds: number): string {
  let left = Math.max(0, Math.floor(seconds));
  const texts: string[] = [];
  for (const [unit, size] of STEPS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 || (unit === 's' && texts.length === 0)) texts.push(`${count}${unit}`);
    else if (texts.length > 0) break;
    if (texts.length === 2) break;
  }
  return texts.join(' ');
}

/** `512 B`, `1.5 KiB`, `12 MiB`. */
export function readableBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1,234`; below ten with one decimal where there is any. */
export function readableCount(count: number): string {
  const whole = count >= 10 || Number.isInteger(count);
  return (whole ? Math.round(count) : count).toLocaleString('en-US', { maximumFractionDigits: 1 });
}
