/** What an evaluator remembers of an expression from batch to batch. */
import type { Amounts } from '../focus/amounts.ts';
import type { Column } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { grown } from '../focus/grown.ts';
import { type CombinationInput, Combinations } from './combinations.ts';
import { newValues, type Values } from './entry-values.ts';
import type { Expression } from './expressions.ts';
import { newKnown } from './settled-columns.ts';

/** Numbers equal values of a group of columns alike, entry by entry. */
export interface Canonical {
  /** By the values of several columns. */
  readonly numbers: Map<string, number>;
  /** The texts of a group's only column: their numbers less one, as 0 is null. */
  readonly texts: Dictionary;
  remap: Uint32Array<ArrayBuffer>;
  size: number;
}

/** What is remembered of an expression from batch to batch. */
export class Memory {
  /** Of values by entry the inputs; of values by combination those that vary, and those that do not. */
  inputs: readonly Values[] = [];
  varying: readonly Values[] = [];
  fixed: readonly Values[] = [];
  values: Values | undefined;
  combinations: Combinations | undefined;
  canonicals: Canonical[] = [];
  groupSizes: readonly number[] = [];
  amounts: Amounts | undefined;
  codes = new Uint32Array(0);
  rows = 0;
  mostlyDistinct = false;
  /** The combinations are shared with other expressions. */
  shared = false;
  /** Number of the batch that `column` is of. */
  batch = -1;
  column: Column | undefined;
  readonly settled = newKnown();

  restart(kind: Expression['kind'], inputs: readonly Column[], transient: boolean): void {
    this.inputs = inputs.map((input) => input.values);
    this.combinations = undefined;
    if (transient && this.values?.transient === true) this.values.clear();
    else this.values = newValues(kind, transient);
  }

  /** A code for each row, to be filled. */
  rowCodes(rows: number): Uint32Array {
    if (this.codes.length < rows) this.codes = new Uint32Array(rows);
    return this.codes;
  }

  /** Remembers values by combinations that belong to several expressions. */
  share(kind: Expression['kind'], { groups, fixed }: Varying, combinations: Combinations): void {
    this.inputs = [];
    this.varying = groups.flatMap((group) => group.columns.map((column) => column.values));
    this.fixed = fixed;
    this.groupSizes = groups.map((group) => group.columns.length);
    this.values = newValues(kind, false);
    this.combinations = combinations;
    this.shared = true;
  }

  restartCombinations(kind: Expression['kind'], varying: Varying): void {
    this.share(kind, varying, new Combinations(varying.groups.length));
    this.shared = false;
    this.canonicals = varying.groups.map(() => ({
      numbers: new Map(),
      texts: new Dictionary(),
      remap: new Uint32Array(64),
      size: 0,
    }));
  }
}

/** Inputs with the same codes. */
export interface Group {
  readonly codes: Uint32Array;
  readonly columns: Column[];
}

/** What combinations are made of: the varying inputs, those with the same codes together, and the values of the others. */
export interface Varying {
  readonly groups: readonly Group[];
  readonly fixed: readonly Values[];
}

/** Tells the inputs that vary from those that do not. */
export function varyingOf(inputs: readonly Column[]): Varying {
  const groups: Group[] = [];
  const fixed: Values[] = [];
  for (const input of inputs) {
    if (input.values.size === 1) {
      fixed.push(input.values);
      continue;
    }
    const group = groups.find((candidate) => candidate.codes === input.codes);
    if (group === undefined) groups.push({ codes: input.codes, columns: [input] });
    else if (!group.columns.some((column) => column.values === input.values))
      group.columns.push(input);
  }
  return { groups, fixed };
}

/** Whether the inputs are those that the memory was made for. */
export function isSameVarying(memory: Memory, { groups, fixed }: Varying): boolean {
  if (memory.groupSizes.length !== groups.length || memory.fixed.length !== fixed.length)
    return false;
  for (let i = 0; i < fixed.length; i++) if (memory.fixed[i] !== fixed[i]) return false;
  let at = 0;
  for (let i = 0; i < groups.length; i++) {
    const { columns } = groups[i] as Group;
    if (columns.length !== memory.groupSizes[i]) return false;
    for (let j = 0; j < columns.length; j++)
      if (columns[j]?.values !== memory.varying[at++]) return false;
  }
  return true;
}

/** Extends the group's numbering to its present entries. */
export function canonical(group: Group, known: Canonical): CombinationInput {
  const size = Math.min(...group.columns.map((column) => column.values.size));
  if (size > known.remap.length)
    known.remap = grown(known.remap, Math.max(size, known.remap.length * 2));
  const [only] = group.columns;
  if (group.columns.length === 1 && only?.kind === 'text') {
    const { arena, starts, ends } = only.values;
    for (; known.size < size; known.size++) {
      const start = starts[known.size] as number;
      const end = ends[known.size] as number;
      known.remap[known.size] = start > end ? 0 : known.texts.intern(arena, start, end) + 1;
    }
    return { codes: group.codes, remap: known.remap, size: known.texts.size + 1 };
  }
  for (; known.size < size; known.size++) numberEntry(group, known);
  return { codes: group.codes, remap: known.remap, size: known.numbers.size };
}

function numberEntry({ columns }: Group, known: Canonical): void {
  const key = columns.map(({ values }) => entryKey(values.text(known.size))).join('\u0000');
  let number = known.numbers.get(key);
  if (number === undefined) {
    number = known.numbers.size;
    known.numbers.set(key, number);
  }
  known.remap[known.size] = number;
}

function entryKey(text: string | undefined): string {
  return text === undefined ? '\u0001' : text;
}
