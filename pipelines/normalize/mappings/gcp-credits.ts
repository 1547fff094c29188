/** Credits of the billing export: a list on each row, in the row's currency. */
import { add, type Decimal, parseDecimal, ZERO } from '../../focus/decimal.ts';
import {
  type AmountExpression,
  deriveAmount,
  map,
  type Test,
  type TextExpression,
  test,
} from '../expressions.ts';
import { isJsonObject, itemsOf, textOf } from '../json-cells.ts';
import type { GcpFields } from './gcp-fields.ts';

/** One credit. */
interface Credit {
  readonly amount: Decimal;
  readonly type: string;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly fullName: string | undefined;
}

/** What a charge row of its own gets when credits are rows: the n-th credit that is no commitment's; the last takes all that are left. */
export interface CreditRow {
  readonly where: Test;
  readonly amount: AmountExpression;
  readonly type: TextExpression;
  readonly id: TextExpression;
  readonly name: TextExpression;
}

/** The credits of a row. */
export interface GcpCredits {
  /** The list as it stands, null when it is empty. */
  readonly list: TextExpression;
  /** Sum of all. */
  readonly sum: AmountExpression;
  /** Sum of the benefits of commitments, which belong to the usage they cover. */
  readonly commitmentSum: AmountExpression;
  /** Sum of the others. */
  readonly otherSum: AmountExpression;
  /** Type, id and name of the first credit of a commitment. */
  readonly commitment: { readonly [K in 'type' | 'id' | 'name']: TextExpression };
  readonly rows: readonly CreditRow[];
  /** More credits than rows: the last row holds the sum of several. */
  readonly folded: Test;
  /** The list is none, or an amount in it is no number. */
  readonly unreadable: Test;
}

/** Credits of a row that get rows of their own. */
const MOST_ROWS = 8;

const COMMITMENTS: ReadonlySet<string> = new Set([
  'COMMITTED_USAGE_DISCOUNT',
  'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE',
  'FEE_UTILIZATION_OFFSET',
]);

/** Reads the credits of a part's rows. */
export function gcpCredits(fields: GcpFields): GcpCredits {
  const cell = fields.list('credits', ['name', 'amount', 'full_name', 'id', 'type']);
  const all = (text = '[]') => creditsOf(fields.read(text)) ?? [];
  const others = (text?: string) => all(text).filter(({ type }) => !COMMITMENTS.has(type));
  const committed = (text?: string) => all(text).filter(({ type }) => COMMITMENTS.has(type));
  const sumOf = (of: (text?: string) => readonly Credit[]) =>
    deriveAmount([cell], (text) => total(of(text)));
  const firstCommitment = (of: (credit: Credit) => string | undefined) =>
    map(cell, (text) => {
      const [credit] = committed(text);
      return credit && of(credit);
    });
  return {
    list: map(cell, (text) => (all(text).length === 0 ? undefined : text)),
    sum: sumOf(all),
    commitmentSum: sumOf(committed),
    otherSum: sumOf(others),
    commitment: {
      type: firstCommitment(({ type }) => type),
      id: firstCommitment(({ id }) => id),
      name: firstCommitment(({ fullName, name }) => fullName ?? name),
    },
    rows: Array.from({ length: MOST_ROWS }, (_, i) => {
      const mine = (text?: string) =>
        i === MOST_ROWS - 1 ? others(text).slice(i) : others(text).slice(i, i + 1);
      const field = (of: (credit: Credit) => string | undefined) =>
        map(cell, (text) => {
          const [credit] = mine(text);
          return credit && of(credit);
        });
      return {
        where: test([cell], (text) => mine(text).length > 0),
        amount: sumOf(mine),
        type: field(({ type }) => type),
        id: field(({ id }) => id),
        name: field(({ fullName, name }) => fullName ?? name),
      };
    }),
    folded: test([cell], (text) => others(text).length > MOST_ROWS),
    unreadable: test(
      [cell],
      (text) => text !== undefined && creditsOf(fields.read(text)) === undefined,
    ),
  };
}

function creditsOf(value: unknown): readonly Credit[] | undefined {
  const credits = itemsOf(value)?.map(creditOf);
  return credits?.every((credit) => credit !== undefined) ? credits : undefined;
}

function creditOf(value: unknown): Credit | undefined {
  if (!isJsonObject(value)) return undefined;
  const amount =
    value.amount == null || value.amount === '' ? ZERO : parseDecimal(String(value.amount).trim());
  if (amount === undefined) return undefined;
  const [name, fullName] = [textOf(value.name), textOf(value.full_name)];
  return {
    amount,
    type: typeOf(textOf(value.type), name ?? fullName ?? ''),
    id: textOf(value.id),
    name,
    fullName,
  };
}

/** Exports of before 2020 have no type, only a name. */
function typeOf(type: string | undefined, name: string): string {
  if (type !== undefined) return type.toUpperCase().replace('_USE_DISCOUNT', '_USAGE_DISCOUNT');
  if (/^committed us(?:ag)?e discount/i.test(name))
    return /dollar|spend/i.test(name)
      ? 'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE'
      : 'COMMITTED_USAGE_DISCOUNT';
  if (/^fee utilization offset/i.test(name)) return 'FEE_UTILIZATION_OFFSET';
  if (/^sustained us(?:ag)?e discount/i.test(name)) return 'SUSTAINED_USAGE_DISCOUNT';
  return /free tier/i.test(name) ? 'FREE_TIER' : 'CREDIT_TYPE_UNSPECIFIED';
}

function total(credits: readonly Credit[]): Decimal | undefined {
  if (credits.length === 0) return undefined;
  return credits.reduce((sum, { amount }) => add(sum, amount), ZERO);
}
