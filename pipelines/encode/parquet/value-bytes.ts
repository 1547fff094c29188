import { AMOUNT, Amounts } from '../../focus/amounts.ts';
import type { Column } from '../../focus/batch.ts';
import { parseTime } from '../../focus/times.ts';
import { Bytes } from '../bytes.ts';
import type { Located } from './chunk-writer.ts';
import { type Places, placesOf, writeDecimal } from './decimal-bytes.ts';

/** Finds or makes the bytes of an entry of a column. */
export interface Locator {
  /** The bytes of entry `code`, valid until the next call; undefined when it is null. */
  locate(column: Column, code: number): Located | undefined;
  /** Whether the amount located last had to be rounded. */
  readonly rounded: boolean;
}

/** Text as it stands; numbers and times as FOCUS writes them. */
export function textLocator(): Locator {
  const out = new Bytes(256);
  return {
    rounded: false,
    locate({ kind, values }, code) {
      if (kind !== 'text') return written(out, values.text(code));
      const start = values.starts[code] as number;
      const end = values.ends[code] as number;
      return start > end ? undefined : { bytes: values.arena, view: values.view, start, end };
    },
  };
}

/** Microseconds since 1970. */
export function timeLocator(): Locator {
  const out = eightBytes();
  return {
    rounded: false,
    locate(column, code) {
      const ms =
        column.kind === 'time'
          ? (column.values.ms[code] as number)
          : parseTime(column.values.text(code) ?? '');
      if (!Number.isFinite(ms)) return undefined;
      out.view.setBigInt64(0, BigInt(Math.round(ms * 1000)), true);
      return out;
    },
  };
}

/** The nearest double. */
export function doubleLocator(): Locator {
  const out = eightBytes();
  const entries = amountEntries();
  return {
    rounded: false,
    locate(column, code) {
      const entry = entries(column, code);
      if (entry === undefined) return undefined;
      out.view.setFloat64(0, entry.amounts.double[entry.code] as number, true);
      return out;
    },
  };
}

/** Whether entry `code` of a column can be stored as a decimal. */
export function fitsDecimal(column: string, amounts: Amounts, code: number): boolean {
  const state = amounts.state[code];
  if (state !== AMOUNT.limbs && state !== AMOUNT.big) return true;
  return writeDecimal(amounts, code, SCRATCH, placesOf(column)) !== 'too large';
}

const SCRATCH = new DataView(new ArrayBuffer(16));

/** Exact decimals with so many places; what does not fit is no charge for this file (`fitsDecimal`). */
export function decimalLocator(places: Places): Locator {
  const bytes = new Uint8Array(24);
  const out = { bytes, view: new DataView(bytes.buffer), start: 0, end: 16 };
  const entries = amountEntries();
  return new (class implements Locator {
    rounded = false;
    locate(column: Column, code: number): Located | undefined {
      const entry = entries(column, code);
      if (entry === undefined) return undefined;
      const done = writeDecimal(entry.amounts, entry.code, out.view, places);
      if (done === 'too large')
        throw new RangeError(`not a DECIMAL(38,${places}): ${entry.amounts.text(entry.code)}`);
      this.rounded = done === 'rounded';
      return out;
    }
  })();
}

/** The entry of an amount column as it is; of other columns, the number that their text is. */
function amountEntries(): (
  column: Column,
  code: number,
) => { readonly amounts: Amounts; readonly code: number } | undefined {
  const parsed = new Amounts(1, true);
  return (column, code) => {
    let amounts = parsed;
    let entry = 0;
    if (column.kind === 'amount') {
      amounts = column.values;
      entry = code;
    } else {
      parsed.clear();
      parsed.addText(column.values.text(code) ?? '');
    }
    const state = amounts.state[entry];
    if (state !== AMOUNT.limbs && state !== AMOUNT.big) return undefined;
    return { amounts, code: entry };
  };
}

function written(out: Bytes, text: string | undefined): Located | undefined {
  if (text === undefined) return undefined;
  out.length = 0;
  out.text(text);
  return { bytes: out.buffer, view: out.view, start: 0, end: out.length };
}

function eightBytes(): Located {
  const bytes = new Uint8Array(16);
  return { bytes, view: new DataView(bytes.buffer), start: 0, end: 8 };
}
