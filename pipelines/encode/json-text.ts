/** JSON strings from UTF-8. Hot. */
import type { Bytes } from './bytes.ts';
import type { Field } from './field.ts';

const HEX = new TextEncoder().encode('0123456789abcdef');

/** Appends the text of a dictionary entry as the inside of a JSON string. */
export function appendEscaped(out: Bytes, field: Field, start: number, end: number): void {
  const source = field.arena;
  let clean = start;
  while (clean < end && !special(source[clean] as number)) clean++;
  out.reserve(end - start);
  out.copy(source, field.view, start, clean);
  if (clean < end) appendSlowly(out, source, clean, end);
}

/** Appends a string as a JSON string with its quotes. */
export function appendJsonString(out: Bytes, text: string): void {
  out.text(JSON.stringify(text));
}

function special(byte: number): boolean {
  return byte < 32 || byte === 34 || byte === 92;
}

function appendSlowly(out: Bytes, source: Uint8Array, start: number, end: number): void {
  out.reserve((end - start) * 6);
  for (let i = start; i < end; i++) {
    const byte = source[i] as number;
    if (byte < 32) {
      out.text('\\u00');
      out.byte(HEX[byte >> 4] as number);
      out.byte(HEX[byte & 15] as number);
    } else {
      if (byte === 34 || byte === 92) out.byte(92);
      out.byte(byte);
    }
  }
}
