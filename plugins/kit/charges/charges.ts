/** Charges on their way through the spool: those of a request or an event are one record, which is kept whole or not at all. */
import { createHash } from 'node:crypto';
import type { Pushed } from '../intake/index.ts';
import { type JsonObject, objectAt, parseExactly, parseJson, textAt } from '../json.ts';
import type { Media } from './body.ts';
import { malformed } from './refusal.ts';

/** Most columns that the charges of a record have together. */
const MOST_COLUMNS = 1_000;

/** The charges of a text: one per line, or a list, or a single one. Throws a `Refusal` that says which line or item is none. */
export function chargesIn(text: string, media: Media): readonly JsonObject[] {
  if (media === 'ndjson' && !/^\s*\[/.test(text)) return chargesOfLines(text);
  return text.trim() === '' ? [] : chargesAt(parsed(text));
}

/** The charges of a value: a list, or a single one. */
export function chargesAt(value: unknown): readonly JsonObject[] {
  if (!Array.isArray(value)) return [charge(value, 'the data')];
  return value.map((item, i) => charge(item, `item ${i + 1}`));
}

/** A JSON value whose numbers keep their digits; throws a `Refusal` when it is none. */
export function parsed(text: string, where = ''): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    throw malformed(`${where}${error instanceof Error ? error.message : 'no JSON'}`);
  }
}

function chargesOfLines(text: string): readonly JsonObject[] {
  return text.split('\n').flatMap((line, i) => {
    const where = `line ${i + 1}`;
    return line.trim() === '' ? [] : [charge(parsed(line, `${where}: `), where)];
  });
}

function charge(value: unknown, where: string): JsonObject {
  const object = JSON.isRawJSON(value) ? undefined : objectAt(value);
  if (object === undefined) throw malformed(`${where}: not a JSON object`);
  return object;
}

/**
 * The record of some charges, one at least. Records with the same columns share a segment and no others do, and the first charge names
 * them all: so that what is made of a charge does not depend on who else sends some, and no column comes up late.
 */
export function recordOf(charges: readonly JsonObject[], ids: readonly string[]): Pushed {
  const columns = new Set<string>();
  for (const one of charges) for (const name of Object.keys(one)) columns.add(name);
  if (columns.size > MOST_COLUMNS)
    throw malformed(`the charges have more than ${MOST_COLUMNS} different columns`);
  const [first, ...rest] = charges;
  const whole = { ...Object.fromEntries([...columns].map((name) => [name, null])), ...first };
  return {
    ids,
    bucket: digest([...columns].toSorted()),
    value: { charges: [whole, ...rest].map((one) => JSON.stringify(one)).join('\n') },
  };
}

/** A short name for some texts: who can choose them cannot make it long. */
export function digest(texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('base64url');
}

/** The charges of the records of a segment, one per line. */
export async function* chargeLines(records: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of records) {
    const charges = textAt(objectAt(parseJson(line))?.charges);
    if (charges !== undefined) yield charges;
  }
}
