/** Texts that do not stand in the window as they are wanted, made in a scratch. Hot: indexed loops. */
import { SLACK } from '../../focus/dictionary.ts';
import type { Window } from '../window.ts';

const BLANK = 32;
const QUOTE = 34;
const BACKSLASH = 92;
const LETTER_U = 117;
/** What the letter behind a backslash stands for, where that is not itself. */
const ESCAPES = new Uint8Array(128).map((_, letter) => letter);
for (const [letter, byte] of Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9 }))
  ESCAPES[letter.charCodeAt(0)] = byte;

/** A text made for the purpose: `length` bytes from the start, then SLACK. */
interface Scratch {
  readonly view: DataView;
  readonly length: number;
}

/** Makes texts from the bytes [start, end) of a window; each call writes over what the one before made. */
export class ScratchText {
  view: DataView;
  length = 0;
  readonly #window: Window;
  #bytes = new Uint8Array(4096);

  constructor(window: Window) {
    this.#window = window;
    this.view = new DataView(this.#bytes.buffer);
  }

  /** JSON without the white space between its parts. */
  compact(start: number, end: number): Scratch {
    this.#begin(end - start);
    const scratch = this.#bytes;
    const { bytes } = this.#window;
    let length = 0;
    let quoted = false;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (!quoted && byte <= BLANK) continue;
      scratch[length++] = byte;
      if (byte === QUOTE) quoted = !quoted;
      else if (byte === BACKSLASH) scratch[length++] = bytes[++at] as number;
    }
    this.length = length;
    return this;
  }

  /** The text of a JSON string, given without its quotes. Half a surrogate pair becomes U+FFFD. */
  unescape(start: number, end: number): Scratch {
    this.#begin(end - start);
    const scratch = this.#bytes;
    const { bytes } = this.#window;
    this.length = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte !== BACKSLASH) scratch[this.length++] = byte;
      else if (bytes[++at] === LETTER_U) at = this.#unicode(at);
      else scratch[this.length++] = ESCAPES[bytes[at] as number] as number;
    }
    return this;
  }

  #begin(length: number): void {
    if (length + SLACK <= this.#bytes.length) return;
    this.#bytes = new Uint8Array(length * 2 + SLACK);
    this.view = new DataView(this.#bytes.buffer);
  }

  /** Writes the character whose `u` stands at `at`; answers the last byte of its escape. */
  #unicode(at: number): number {
    const first = this.#codeUnit(at);
    const paired = first >= 0xd800 && first < 0xdc00 && this.#isUnicode(at + 5);
    const second = paired ? this.#codeUnit(at + 6) : 0;
    if (second >= 0xdc00 && second < 0xe000) {
      this.#write(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
      return at + 10;
    }
    this.#write(first >= 0xd800 && first < 0xe000 ? 0xfffd : first);
    return at + 4;
  }

  #isUnicode(at: number): boolean {
    const { bytes } = this.#window;
    return bytes[at] === BACKSLASH && bytes[at + 1] === LETTER_U;
  }

  #codeUnit(at: number): number {
    return Number.parseInt(this.#window.text(at + 1, at + 5), 16);
  }

  #write(character: number): void {
    const lead = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    const marks = [0, 0xc0, 0xe0, 0xf0];
    const scratch = this.#bytes;
    scratch[this.length++] = (marks[lead] as number) | (character >> (6 * lead));
    for (let rest = lead - 1; rest >= 0; rest--)
      scratch[this.length++] = 0x80 | ((character >> (6 * rest)) & 0x3f);
  }
}
