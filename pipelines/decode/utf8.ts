import { isUtf8 } from 'node:buffer';
import type { ByteReader } from './bytes.ts';

/** How text is written in a part. */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/**
 * The same text as valid UTF-8 without byte order mark. A line that has no character of UTF-8 beyond ASCII is Windows-1252, as spreadsheets write it;
 * other bytes that are none become U+FFFD. `repaired` hears of `bom_removed`, `utf16_decoded` (once), `windows1252_decoded` and `utf8_replaced` (per line).
 */
export function readText(
  bytes: ByteReader,
  encoding: TextEncoding,
  repaired: (code: string, count: number) => void,
): ByteReader {
  if (encoding === 'utf-8') return validUtf8(bytes, repaired);
  repaired('utf16_decoded', 1);
  return stagedReader(bytes, decodeUtf16(encoding));
}

const STAGE = 64 * 1024;
const LF = 10;
const MARK = [0xef, 0xbb, 0xbf];
/** A line this long is looked at in pieces. */
const LONG_LINE = 1024 * 1024;

/** Turns some bytes into text as UTF-8; `final`: there are no more. */
type Step = (bytes: Uint8Array, final: boolean) => Uint8Array;

/** Valid chunks are handed through as they are; from the first invalid one on, line by line. */
function validUtf8(bytes: ByteReader, repaired: (code: string, count: number) => void): ByteReader {
  let staged: ByteReader | undefined;
  let begun = false;
  let carried: Uint8Array = new Uint8Array(0);

  /** Puts more bytes behind `end`, at the beginning enough to see a byte order mark; answers the new end. */
  async function more(into: Uint8Array, offset: number, end: number): Promise<number> {
    const least = begun ? end + 1 : offset + MARK.length;
    let reached = end;
    while (reached < least) {
      const count = await bytes.read(into, reached);
      if (count === 0) break;
      reached += count;
    }
    if (begun) return reached;
    begun = true;
    if (reached < least || !MARK.every((byte, i) => into[offset + i] === byte)) return reached;
    repaired('bom_removed', 1);
    into.copyWithin(offset, offset + MARK.length, reached);
    reached -= MARK.length;
    return reached > offset ? reached : more(into, offset, reached);
  }

  return {
    async read(into, offset) {
      for (;;) {
        if (staged !== undefined) return staged.read(into, offset);
        into.set(carried, offset);
        const start = offset + carried.length;
        const end = await more(into, offset, start);
        const whole = end === start ? end : end - danglingBytes(into, offset, end);
        if (isUtf8(into.subarray(offset, whole))) {
          carried = into.slice(whole, end);
          if (whole > offset || end === start) return whole - offset;
        } else staged = stagedReader(bytes, replaceByLine(repaired), into.slice(offset, end));
      }
    },
    close: () => bytes.close(),
  };
}

/** Reads ahead into a stage of its own, where `step` may make more or fewer bytes of what it gets. */
function stagedReader(bytes: ByteReader, step: Step, begin?: Uint8Array): ByteReader {
  const stage = new Uint8Array(STAGE);
  let ready = begin === undefined ? new Uint8Array(0) : step(begin, false);
  let ended = false;
  return {
    async read(into, offset) {
      while (ready.length === 0 && !ended) {
        const count = await bytes.read(stage, 0);
        ended = count === 0;
        ready = step(stage.subarray(0, count), ended);
      }
      const count = Math.min(ready.length, into.length - offset);
      into.set(ready.subarray(0, count), offset);
      ready = ready.subarray(count);
      return count;
    },
    close: () => bytes.close(),
  };
}

function decodeUtf16(encoding: 'utf-16le' | 'utf-16be'): Step {
  const decoder = new TextDecoder(encoding);
  const encoder = new TextEncoder();
  return (bytes, final) => encoder.encode(decoder.decode(bytes, { stream: !final }));
}

/** Whole lines only, so that what is replaced can be counted by line. */
function replaceByLine(repaired: (code: string, count: number) => void): Step {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const windows = new TextDecoder('windows-1252');
  const encoder = new TextEncoder();
  let rest: Uint8Array = new Uint8Array(0);

  function mended(line: Uint8Array): Uint8Array {
    if (isUtf8(line)) return line;
    const text = decoder.decode(line);
    const isUnicode = BEYOND_ASCII.test(text);
    repaired(isUnicode ? 'utf8_replaced' : 'windows1252_decoded', 1);
    return encoder.encode(isUnicode ? text : windows.decode(line));
  }

  return (bytes, final) => {
    const all = rest.length === 0 ? bytes : join([rest, bytes]);
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (let next = all.indexOf(LF); next >= 0; next = all.indexOf(LF, at)) {
      pieces.push(mended(all.subarray(at, next + 1)));
      at = next + 1;
    }
    const cut = final
      ? all.length
      : all.length - at > LONG_LINE
        ? all.length - danglingBytes(all, at, all.length)
        : at;
    if (cut > at) pieces.push(mended(all.subarray(at, cut)));
    rest = all.slice(cut);
    return join(pieces);
  };
}

/** A character that was one of UTF-8. */
const BEYOND_ASCII = /[^\0-\x7f\ufffd]/;

function join(pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pieces);
}

/** How many bytes at the end begin a character that is not complete. */
function danglingBytes(bytes: Uint8Array, start: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= start; back++) {
    const byte = bytes[end - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}
