/**
 * Sorts the entries of a column into classes: entries of one class answer every question alike that the rules ask of the
 * column. Class 0 is null. Hot where a batch has an entry per row: plain loops over bytes and typed arrays.
 */
import { AMOUNT, type Amounts } from '../focus/amounts.ts';
import type { Column } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { Times } from '../focus/times.ts';
import { type Cell, hasForm, parseObject } from './formats.ts';
import type { Check, JsonObject, ValueForm } from './rule.ts';

/** One question about a value that is not null. */
export interface Question {
  /** Equal keys ask the same. */
  readonly key: string;
  readonly ask: (cell: Cell) => boolean;
  /** Values that all get the same answer: any readable text, plain numbers of one sign, sound JSON objects. */
  readonly shortcut: Shortcut;
  /** Whether a JSON object is sound. */
  readonly sound?: (value: JsonObject) => boolean;
}

type Shortcut = 'text' | 'sign' | 'json' | 'none';

const TEXTUAL: ReadonlySet<ValueForm> = new Set(['string', 'text']);
const NUMERIC: ReadonlySet<ValueForm> = new Set(['decimal', 'numeric']);
const OBJECT: ReadonlySet<ValueForm> = new Set(['object', 'json']);

/** The question that a check of single values asks; undefined for checks of other kinds. */
export function questionOf(check: Check): Question | undefined {
  switch (check.op) {
    case 'form': {
      const { form } = check;
      return {
        key: `form ${form}`,
        ask: (cell) => hasForm(form, cell),
        shortcut: shortcutOf(form),
      };
    }
    case 'in':
    case 'notIn':
      return oneOf(check.values, check.op === 'in');
    case 'equals':
    case 'atLeast': {
      const wanted = Number(check.number);
      const least = check.op === 'atLeast';
      return {
        key: `${check.op} ${check.number}`,
        ask: ({ text }) => {
          const value = Number(text ?? Number.NaN);
          return Number.isNaN(value) || (least ? value >= wanted : value === wanted);
        },
        shortcut: wanted === 0 ? 'sign' : 'none',
      };
    }
    case 'json': {
      const { holds, sound } = check;
      const ask = ({ text }: Cell): boolean => {
        const value = text === undefined ? undefined : parseObject(text);
        return value === undefined || holds(value);
      };
      return {
        key: `json ${questions++}`,
        ask,
        ...(sound === undefined ? { shortcut: 'none' } : { shortcut: 'json', sound }),
      };
    }
    default:
      return undefined;
  }
}

let questions = 0;

function shortcutOf(form: ValueForm): Shortcut {
  if (TEXTUAL.has(form)) return 'text';
  if (NUMERIC.has(form)) return 'sign';
  return OBJECT.has(form) ? 'json' : 'none';
}

/** Whether the value is (or is not) one of these. */
export function oneOf(values: readonly string[], wanted: boolean): Question {
  const set = new Set(values);
  return {
    key: `${wanted ? 'in' : 'not in'} ${values.join('|')}`,
    ask: ({ text }) => (text !== undefined && set.has(text)) === wanted,
    shortcut: 'none',
  };
}

/** The class of each entry, for the codes of one column in one batch. */
export interface Classed {
  readonly codes: Uint32Array;
  /** By code; class 0 is null. */
  readonly classes: Uint16Array;
}

/** Sorts one column's entries by its questions. */
export class Classes {
  readonly #questions: readonly Question[];
  readonly #shortcut: Shortcut;
  readonly #sound: ((value: JsonObject) => boolean) | undefined;
  readonly #byAnswers = new Map<string, number>();
  /** Answers by class, in the order of the questions. */
  readonly answers: (readonly boolean[])[] = [[]];
  readonly #shortcutClasses = new Map<string, number>();
  #values: Dictionary | Amounts | Times | undefined;
  #classes = new Uint16Array(0);
  #done = 0;

  constructor(questions: readonly Question[]) {
    this.#questions = questions;
    this.#sound = questions.find(({ sound }) => sound !== undefined)?.sound;
    this.#shortcut = commonShortcut(questions);
  }

  /** Classes for the entries of the column; valid until the next call. */
  of({ codes, values }: Column): Classed {
    if (this.#values !== values || values.transient) this.#done = 0;
    this.#values = values;
    if (this.#classes.length < values.size) {
      const larger = new Uint16Array(Math.max(values.size, this.#classes.length * 2));
      larger.set(this.#classes.subarray(0, this.#done));
      this.#classes = larger;
    }
    for (; this.#done < values.size; this.#done++)
      this.#classes[this.#done] = this.#classOf(values, this.#done);
    return { codes, classes: this.#classes };
  }

  #classOf(values: Dictionary | Amounts | Times, code: number): number {
    if (values instanceof Dictionary) return this.#textClass(values, code);
    if (values instanceof Times) {
      const ms = values.ms[code] as number;
      if (Number.isNaN(ms)) return 0;
      return Number.isFinite(ms)
        ? this.#known('time', { kind: 'time', text: '2026-01-01T00:00:00Z' })
        : this.#known('no time', { kind: 'time', text: undefined });
    }
    const state = values.state[code];
    if (state === AMOUNT.null) return 0;
    if (state === AMOUNT.invalid)
      return this.#known('no amount', { kind: 'amount', text: undefined });
    if (this.#shortcut !== 'sign') return this.#asked({ kind: 'amount', text: values.text(code) });
    const text = String(Math.sign(values.double[code] as number) + 0);
    return this.#known(`amount ${text}`, { kind: 'amount', text });
  }

  #textClass(values: Dictionary, code: number): number {
    const start = values.starts[code] as number;
    const end = values.ends[code] as number;
    if (start > end) return 0;
    if (this.#shortcut === 'text' && isOrdinary(values.arena, start, end))
      return this.#known('text', { kind: 'text', text: 'text' });
    if (this.#shortcut === 'sign') {
      const sign = plainSign(values.arena, start, end);
      if (sign !== undefined) return this.#known(sign, { kind: 'text', text: sign });
    }
    const text = values.text(code) ?? '';
    if (this.#shortcut === 'json') {
      const object = parseObject(text);
      if (object !== undefined && this.#sound?.(object) === true)
        return this.#known('sound', { kind: 'text', text });
    }
    return this.#asked({ kind: 'text', text });
  }

  /** The class that stands for many values, found by asking one of them. */
  #known(name: string, example: Cell): number {
    let known = this.#shortcutClasses.get(name);
    if (known === undefined) {
      known = this.#asked(example);
      this.#shortcutClasses.set(name, known);
    }
    return known;
  }

  #asked(cell: Cell): number {
    const answers = this.#questions.map(({ ask }) => ask(cell));
    const key = answers.map((yes) => (yes ? '1' : '0')).join('');
    let known = this.#byAnswers.get(key);
    if (known === undefined) {
      known = this.answers.length;
      this.#byAnswers.set(key, known);
      this.answers.push(answers);
    }
    return known;
  }
}

/** The shortcut that all questions allow; sound JSON is also readable text. */
function commonShortcut(questions: readonly Question[]): Shortcut {
  const kinds = new Set(questions.map(({ shortcut }) => shortcut));
  if (kinds.has('json')) kinds.delete('text');
  return kinds.size === 1 ? ([...kinds][0] ?? 'none') : 'none';
}

/** Printable ASCII that does not begin with a blank: readable without a closer look. */
function isOrdinary(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end || bytes[start] === 32) return false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte < 32 || byte > 126) return false;
  }
  return true;
}

/** `-1`, `0` or `1` for a number without exponent or plus sign; undefined when it needs a closer look. */
function plainSign(bytes: Uint8Array, start: number, end: number): '-1' | '0' | '1' | undefined {
  const negative = bytes[start] === 45;
  let at = negative ? start + 1 : start;
  let zero = true;
  let points = 0;
  if (at === end || (bytes[end - 1] as number) < 48 || (bytes[at] as number) < 48) return undefined;
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 46) points++;
    else if (byte < 48 || byte > 57) return undefined;
    else if (byte !== 48) zero = false;
  }
  if (points > 1) return undefined;
  return zero ? '0' : negative ? '-1' : '1';
}
