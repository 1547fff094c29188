import type { SchemaElement } from 'hyparquet';
import { amountAppender } from './amount-values.ts';
import { AmountStore, type StoreMaker, TextStore, TimeStore, WrittenTextStore } from './stores.ts';
import { type ReadText, textReader, timeReader } from './text-values.ts';

/** What keeps the values of a column: numbers, times or text. */
export function storesOf(element: SchemaElement): StoreMaker {
  const time = timeReader(element);
  if (time !== undefined) return (transient) => new TimeStore(time, transient);
  const text = element.type === 'BOOLEAN' ? booleanText : textReader(element);
  if (text !== undefined) return (transient) => new WrittenTextStore(text, transient);
  const amount = amountAppender(element);
  const doubles = element.type === 'DOUBLE';
  if (amount !== undefined) return (transient) => new AmountStore(amount, transient, doubles);
  return (transient) => new TextStore(transient);
}

/** A boolean byte as text. */
export const booleanText: ReadText = (view, start) =>
  view.getUint8(start) === 1 ? 'true' : 'false';
