import type { Batch } from '../focus/batch.ts';
import type { ChargeColumn, CostColumn } from '../focus/columns.ts';
import type { AmountExpression, Expression, Test, TextExpression } from './expressions.ts';
import type { DateOrder } from './written-times.ts';

/** What a mapping knows of the part when it builds its table. */
export interface MappingInput {
  /** Names of the source columns after `Mapping.rename`, in order. */
  readonly columns: readonly string[];
  /** Whether the part has the column (name after renaming). */
  has(column: string): boolean;
  /** What lines above the table say of it as a whole: names in lower case and their values. */
  readonly titles?: ReadonlyMap<string, string>;
  /** Settings of the normalize processor for this mapping, already checked. */
  readonly settings: Readonly<Record<string, string>>;
}

/** One kind of output row: every source row for which `where` holds gives one charge. */
export interface RowTemplate {
  /** Absent: every row. */
  readonly where?: Test;
  /** FOCUS column → expression over source columns. Columns left out are null. */
  readonly columns: Readonly<Partial<Record<ChargeColumn, Expression>>>;
}

/** Rows that give no charge on purpose; counted by reason with their money. */
export interface DropRule {
  /** Stable code: `savings_plan_negation`. */
  readonly reason: string;
  readonly where: Test;
}

/** A repair that a row needed: counted, and listed in `x_Repairs` when the normalize processor asks for it. */
export interface RepairRule {
  /** Stable code: `effective_cost_from_billed_cost`. */
  readonly code: string;
  readonly where: Test;
}

/** Rows that cannot become charges: dead letters. */
export interface RejectRule {
  readonly reason: string;
  readonly column: string;
  readonly message: string;
  readonly where: Test;
}

/** The table of one part. */
export interface MappingTable {
  readonly templates: readonly RowTemplate[];
  /**
   * For tables that must look across rows (split cost allocation): source batches in, source batches out, with columns of its own
   * making. `read` may be called more than once; each call reads the part from its start. Present only where it is needed.
   */
  readonly rewrite?: (read: () => AsyncIterable<Batch>) => AsyncIterable<Batch>;
  readonly drop?: readonly DropRule[];
  readonly repairs?: readonly RepairRule[];
  readonly reject?: readonly RejectRule[];
  /**
   * The source's own measure of each cost column it states, so that conservation can be checked: read = exported + rejected + dropped + reshaped.
   * `column` is the source column's name as in the header (for reports).
   */
  readonly measures: Readonly<
    Partial<Record<CostColumn, { readonly column: string; readonly amount: AmountExpression }>>
  >;
  /** Source columns in which a word for "nothing" (`N/A`, `None`) would be taken for a name or an id: such cells are null, a repair. */
  readonly names?: readonly string[];
  /** Source columns that no template used are kept under `x_` names by these expressions (already part of the templates). */
  readonly version?: string;
  /** Text that names the charge's scope-wide provider, for reports. */
  readonly provider?: TextExpression;
}

/** A source format's way to FOCUS. */
export interface Mapping {
  /** Stable name for the configuration and `--mapping`: `aws-cur`, `focus`, … */
  readonly name: string;
  readonly summary: string;
  /** Settings it understands, with allowed values; the first is the default. */
  readonly settings?: Readonly<
    Record<string, { readonly doc: string; readonly values: readonly string[] }>
  >;
  /** How dates such as 2/9/2026 are read where no date of a part tells, if that is documented of the source; absent: the part is refused. */
  readonly dateOrder?: DateOrder;
  /** Canonical name of a header name (trimmed, case, aliases). Two headers with one canonical name: the first wins, the rest is counted as a repair. */
  rename(header: string): string;
  /** How well a header fits, 0 (not at all) to 100; the highest wins. Renamed names are given. */
  fits(columns: ReadonlySet<string>, header: readonly string[]): number;
  /** Canonical columns without which the part cannot be read; the error names those missing. */
  readonly required: readonly string[];
  /** Required columns that a part may lack when a setting is not at its default; `example` is another value of it. */
  readonly standIns?: Readonly<
    Record<string, { readonly setting: string; readonly example: string }>
  >;
  build(input: MappingInput): MappingTable;
}

/** Checks the shape of a mapping at compile time. */
export function defineMapping(mapping: Mapping): Mapping {
  return mapping;
}
