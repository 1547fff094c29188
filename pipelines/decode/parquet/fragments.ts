import type { SchemaElement } from 'hyparquet';
import { Amounts } from '../../focus/amounts.ts';
import { Dictionary } from '../../focus/dictionary.ts';
import { formatTime } from '../../focus/times.ts';
import { amountAppender } from './amount-values.ts';
import type { Store, StoreMaker, Values } from './stores.ts';
import { decodeText, isText, type ReadText, textReader, timeReader } from './text-values.ts';
import { booleanText } from './value-stores.ts';

/** Keeps the values of a leaf as JSON, ready to be put together; keys of maps always are strings. */
export function fragmentStores(element: SchemaElement, key: boolean): StoreMaker {
  const { read, quoted } = reader(element);
  const quote = quoted || key;
  const write: ReadText = quote
    ? (view, start, end) => JSON.stringify(read(view, start, end))
    : read;
  const isBytes = read === decodeText;
  return () => new FragmentStore(write, isBytes);
}

function reader(element: SchemaElement): { readonly read: ReadText; readonly quoted: boolean } {
  const time = timeReader(element);
  if (time !== undefined)
    return { read: (view, start) => formatTime(time(view, start)) ?? '', quoted: true };
  if (element.type === 'BOOLEAN') return { read: booleanText, quoted: false };
  const text = textReader(element);
  if (text !== undefined) return { read: text, quoted: true };
  const append = amountAppender(element);
  if (append === undefined) return { read: decodeText, quoted: true };
  const amounts = new Amounts(1, true);
  const number: ReadText = (view, start, end) => {
    amounts.clear();
    return amounts.text(append(amounts, view, start, end)) ?? 'null';
  };
  return { read: number, quoted: false };
}

/** JSON texts; entry 0 is null. */
class FragmentStore implements Store {
  readonly kind = 'text';
  readonly values = new Dictionary();
  readonly repaired = new Set<number>();
  readonly #write: ReadText;
  readonly #isBytes: boolean;

  constructor(write: ReadText, isBytes: boolean) {
    this.#write = write;
    this.#isBytes = isBytes;
    this.values.add('null');
  }

  append({ bytes, view, starts, ends }: Values, i: number): number {
    const start = starts[i] as number;
    const end = ends[i] as number;
    const code = this.values.add(this.#write(view, start, end));
    if (this.#isBytes && !isText(bytes, start, end)) this.repaired.add(code);
    return code;
  }

  appendAll(values: Values, out: Uint32Array, from: number): void {
    for (let i = 0; i < values.count; i++) out[from + i] = this.append(values, i);
  }

  copy(source: Store, code: number): number {
    return code === 0 ? 0 : this.values.add((source.values as Dictionary).text(code));
  }

  clear(): void {
    this.values.clear();
    this.values.add('null');
  }
}
