/** JSON objects put together row by row from parts that are written already. Hot: it copies words and makes no strings. */
import type { TextColumn } from '../focus/batch.ts';
import { type Dictionary, SLACK } from '../focus/dictionary.ts';

const OPEN = 123;
const COMMA = 44;
const CLOSE = 125;

/** An object as it is put together; behind it there is always room for a part's overrun and what ends it. */
let bytes = new Uint8Array(4096);
let view = new DataView(bytes.buffer);

/** Adds to `into` for each row `{…}` with its parts, those that are null left out; null when all are. */
export function addObjects(parts: readonly TextColumn[], rows: number, into: Dictionary): void {
  for (let row = 0; row < rows; row++) {
    let end = 1;
    for (let i = 0; i < parts.length; i++) {
      const { codes, values } = parts[i] as TextColumn;
      const code = codes[row] as number;
      const from = values.starts[code] as number;
      const length = (values.ends[code] as number) - from;
      if (length < 0) continue;
      if (end + length + 2 * SLACK > bytes.length) enlarge(end + length + 2 * SLACK);
      for (let at = 0; at < length; at += 8)
        view.setBigInt64(end + at, values.view.getBigInt64(from + at, true), true);
      end += length;
      bytes[end++] = COMMA;
    }
    if (end === 1) into.add(undefined);
    else {
      bytes[0] = OPEN;
      bytes[end - 1] = CLOSE;
      into.addWords(view, 0, end);
    }
  }
}

function enlarge(least: number): void {
  const larger = new Uint8Array(Math.max(least, bytes.length * 2));
  larger.set(bytes);
  bytes = larger;
  view = new DataView(bytes.buffer);
}
