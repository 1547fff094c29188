import { BadPart } from '../../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt } from '../../../kit/json.ts';

/** The JSON object in a text, its numbers as the texts they were written with: no digit of a price is lost. `BadPart` when it is none. */
export function exactJson(text: string): JsonObject {
  const value = parsed(text);
  if (value === undefined) throw new BadPart('it is JSON, but no object');
  return value;
}

function parsed(text: string): JsonObject | undefined {
  try {
    return objectAt(JSON.parse(text, numbersAsTexts));
  } catch (cause) {
    throw new BadPart('it is no JSON, or cut off', { cause });
  }
}

/** A reviver is told the source of each primitive (ECMAScript's JSON.parse source text access). */
function numbersAsTexts(this: unknown, _key: string, value: unknown, context?: unknown): unknown {
  const source = objectAt(context)?.source;
  return typeof value === 'number' && typeof source === 'string' ? source : value;
}
