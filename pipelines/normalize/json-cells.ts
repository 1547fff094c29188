/** JSON as it stands in cells of bills: without its braces, or written by Python; numbers stay the text they are. */

/** An object read from a cell. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value of a cell that holds JSON or a Python literal; numbers are texts. Undefined when it is neither. */
export function readJson(text: string): unknown {
  const value = tryJson(text);
  return value === undefined && text.includes("'") ? tryJson(fromPython(text)) : value;
}

/** `{team=a, env=b}`, as Athena and Hive print a map; undefined when the text is none. */
export function readPrintedMap(text: string): JsonObject | undefined {
  const body = /^\{(.*)\}$/s.exec(text.trim())?.[1];
  if (body === undefined || !/^[^\s"'{}=,:][^"{}=,]*=/.test(body)) return undefined;
  const pairs = body.split(/, ?(?=[^=,{}"]+=)/).map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs.filter(([, value]) => value !== '' && value !== 'null'));
}

/** The object of a cell whose outer braces may be missing; undefined when it holds none. Blank cells and `""` are the empty object. */
export function readBracelessObject(text: string): JsonObject | undefined {
  const body = text.trim();
  if (body === '' || body === '""' || body === 'null') return {};
  const value = readJson(body.startsWith('{') ? body : `{${body.replace(/,\s*$/, '')}}`);
  return isJsonObject(value) ? value : undefined;
}

/** The items of a list, however it is wrapped (`{list: [{element: …}]}` of Parquet, one object on its own, null); undefined when it is none. */
export function itemsOf(value: unknown): readonly unknown[] | undefined {
  if (value === null) return [];
  if (Array.isArray(value)) return value;
  if (!isJsonObject(value)) return undefined;
  const { list } = value;
  if (Array.isArray(list))
    return list.map((item) => (isJsonObject(item) && 'element' in item ? item.element : item));
  return Object.keys(value).length === 0 ? [] : [value];
}

/** Whether the value is an object and no list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field as text: numbers and flags too; null, empty and nested values are undefined. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** `readJson` that remembers what it read of late: several fields of one cell are read one after the other. */
export function rememberingReader(): (text: string) => unknown {
  const remembered = new Map<string, unknown>();
  return (text) => {
    const known = remembered.get(text);
    if (known !== undefined || remembered.has(text)) return known;
    if (remembered.size >= REMEMBERED) remembered.clear();
    const value = readJson(text);
    remembered.set(text, value);
    return value;
  };
}

/** Cells remembered: somewhat more than a batch has rows. */
const REMEMBERED = 8192;

/** A number behind a colon, a comma or a bracket: then its source text matters. */
const NUMBER = /[:,[]\s*-?\d/;

function tryJson(text: string): unknown {
  try {
    return NUMBER.test(text) ? JSON.parse(text, sourceOfNumbers) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sourceOfNumbers(
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  return typeof value === 'number' ? (context?.source ?? String(value)) : value;
}

/** Texts, words and the brackets of tuples, with the comma behind their only item. */
const PYTHON = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|\b(?:None|True|False)\b|\(|,?\s*\)/gs;
const PYTHON_WORDS: Readonly<Record<string, string>> = {
  '(': '[',
  None: 'null',
  True: 'true',
  False: 'false',
};

function fromPython(text: string): string {
  return text.replace(PYTHON, (token: string, single?: string, double?: string) => {
    const quoted = single ?? double;
    if (quoted === undefined) return PYTHON_WORDS[token] ?? (token.endsWith(')') ? ']' : token);
    return JSON.stringify(quoted.replace(/\\(.)/gs, '$1'));
  });
}
