import type { FocusVersion } from '../focus/columns.ts';

/** Datasets of the specification that can be checked. */
export type Dataset = 'CostAndUsage' | 'ContractCommitment' | 'BillingPeriod' | 'InvoiceDetail';

/** How strongly the specification puts it. */
export type Keyword = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'RECOMMENDED';

/** What a rule is about. */
export type RuleKind =
  | 'presence'
  | 'type'
  | 'format'
  | 'nullability'
  | 'validation'
  | 'set'
  | 'sum'
  | 'header';

/** Kinds of value and ways to write them. */
export type ValueForm =
  | 'string'
  | 'decimal'
  | 'datetime'
  | 'object'
  | 'text'
  | 'numeric'
  | 'utc'
  | 'unit'
  | 'currency'
  | 'national'
  | 'keyvalue'
  | 'json'
  | 'applicability';

/** What a rule asks of its column. Checks of values say nothing about null. */
export type Check =
  | { readonly op: 'present' | 'null' | 'notNull' | 'unique' }
  | { readonly op: 'form'; readonly form: ValueForm }
  | { readonly op: 'in' | 'notIn'; readonly values: readonly string[] }
  | { readonly op: 'equals' | 'atLeast'; readonly number: string }
  | { readonly op: 'product'; readonly a: string; readonly b: string; readonly result: string }
  | {
      /** same: equal amounts; from: not before; after: later; under: a subcategory of that category; one: one value of it for each value. */
      readonly op: 'same' | 'from' | 'after' | 'under' | 'one';
      readonly column: string;
    }
  | {
      readonly op: 'json';
      readonly holds: (value: JsonObject) => boolean;
      /** True for objects that break no rule of the column: spares asking rule by rule. */
      readonly sound?: (value: JsonObject) => boolean;
    }
  | {
      readonly op: 'jsonWith';
      readonly column: string;
      readonly holds: (value: JsonObject, other: string | undefined) => boolean;
    };

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A condition on one column of the row. */
export interface Atom {
  readonly column: string;
  readonly op: 'null' | 'notNull' | 'in' | 'notIn';
  readonly values: readonly string[];
}

/** Holds where all atoms of at least one of the lists hold. */
export type Condition = readonly (readonly Atom[])[];

/** One requirement of the specification. */
export interface Rule {
  /** As in the requirement model, so that it can be looked up. */
  readonly id: string;
  readonly dataset: Dataset;
  readonly column: string;
  readonly kind: RuleKind;
  readonly keyword: Keyword;
  readonly check: Check;
  readonly when?: Condition;
  /** What the provider must support for the rule to apply: `CAPACITY_RESERVATION`. */
  readonly applicability?: readonly string[];
  /** For people: `SkuMeter must be null when SkuId is null`. */
  readonly message: string;
}

/** Violations of MUST are errors, of SHOULD and RECOMMENDED warnings. */
export type Level = 'error' | 'warning';

/** How bad a violation of the rule is. */
export function levelOf(keyword: Keyword): Level {
  return keyword.startsWith('MUST') ? 'error' : 'warning';
}

/** Which rules are wanted. */
export interface RuleChoice {
  readonly version: FocusVersion;
  readonly dataset?: Dataset;
}
