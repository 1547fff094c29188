/** Random bills of agents as they arrive at a central one: restated, cut into batches, twice, late and in any order. */
import fc from 'fast-check';
import { COST_COLUMNS, type CostColumn } from '../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, negate, sum } from '../../pipelines/focus/decimal.ts';
import type { ForwardedDelivery } from '../../pipelines/plugin/index.ts';
import type { ForwardedCharge } from '../../plugins/receivers/forward/charge-row.ts';
import type { Arrived } from '../../plugins/receivers/forward/store/index.ts';

/** How an agent sends. */
type Kind = 'totals' | 'rows' | 'append';

/** An agent: which bill it reads, in which revisions, and how its deliveries are cut. */
interface Account {
  readonly kind: Kind;
  readonly bill: number;
  /** Of each revision but the last: whether it saw it; with `rows`: whether it sent all of it anew. */
  readonly some: readonly boolean[];
  readonly cut: number;
}

/** What happens. */
export interface Story {
  readonly arrivals: readonly Arrived[];
  /** Exact sum that the central agent must end with. */
  readonly billed: string;
}

const cost = fc
  .tuple(fc.bigInt(-(10n ** 22n), 10n ** 22n), fc.nat(20))
  .map(([digits, scale]) => formatDecimal({ digits, scale }));

/** Revisions of a bill; small stocks, so that charges stay, vanish, come back and are equal to others. */
const bill = fc.array(cost, { minLength: 1, maxLength: 4 }).chain((stock) =>
  fc.array(fc.array(fc.constantFrom(...stock), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 4,
  }),
);

const account = fc.record<Account>({
  kind: fc.constantFrom('totals', 'rows', 'rows', 'append'),
  bill: fc.nat(1),
  some: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  cut: fc.integer({ min: 1, max: 4 }),
});

/** Bills of several agents, some of which may read the same one. */
export const story: fc.Arbitrary<Story> = fc
  .tuple(
    fc.array(bill, { minLength: 3, maxLength: 3 }),
    fc.array(account, { minLength: 1, maxLength: 4 }),
  )
  .chain(([bills, accounts]) => {
    const sent = accounts.flatMap((one, i) => arrivalsOf(one, i, bills[one.bill] ?? []));
    const twice = fc.subarray(sent).map((again) => [...sent, ...again]);
    return twice
      .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }))
      .map((arrivals) => ({ arrivals, billed: truth(bills, accounts) }));
  });

function truth(bills: readonly (readonly string[][])[], accounts: readonly Account[]): string {
  const counted = new Map<string, readonly string[]>();
  accounts.forEach(({ kind, bill }) => {
    const revisions = bills[bill] ?? [];
    const all = kind === 'append' ? revisions.flat() : (revisions.at(-1) ?? []);
    counted.set(`${kind} ${bill}`, all);
  });
  return formatDecimal(sum([...counted.values()].flat().map(decimal)));
}

function arrivalsOf(
  { kind, bill, some, cut }: Account,
  number: number,
  revisions: readonly (readonly string[])[],
): readonly Arrived[] {
  const of = { agent: `agent-${number}`, receiver: 'files', scope: `${kind} scope` };
  const prefix = `${kind}${bill}`;
  const arrivals: Arrived[] = [];
  const rows = sentByRows(prefix);
  revisions.forEach((costs, i) => {
    const isLast = i === revisions.length - 1;
    const attempt = 1_000_000 * (i + 1) + number;
    const delivery = { ...of, revision: `r${i}`, id: `${prefix} ${i}`, attempt } as const;
    if (kind === 'append') {
      const charges = chargesOf(costs, `${prefix}-${i}`);
      arrivals.push(...batches({ ...delivery, mode: 'append' }, charges, cut));
    } else if (kind === 'totals') {
      if (isLast || some[i] === true)
        arrivals.push(...batches({ ...delivery, mode: 'snapshot' }, chargesOf(costs, prefix), cut));
    } else if (isLast || some[i] === true) {
      const { restated, charges } = rows(costs, cut === 4 && some[0] === true);
      arrivals.push(...batches({ ...delivery, mode: 'snapshot', restated }, charges, cut));
    }
  });
  return arrivals;
}

/** An agent that sends what changed: the ids are those of what it sent before, of what it adds with the number of its revision. */
function sentByRows(prefix: string) {
  let number = 0;
  let sent = new Map<string, ForwardedCharge>();
  return (costs: readonly string[], anew: boolean) => {
    number += 1;
    const now = new Map<string, ForwardedCharge>();
    const added: ForwardedCharge[] = [];
    for (const charge of chargesOf(costs, prefix)) {
      const known = sent.get(charge.uid);
      const uid = number === 1 ? charge.uid : `${charge.uid}.r${number}`;
      now.set(charge.uid, known ?? { ...charge, uid });
      if (known === undefined) added.push({ ...charge, uid });
    }
    const back = [...sent].flatMap(([content, { uid, columns }]) =>
      now.has(content) ? [] : [{ uid: `${uid}.c${number}`, columns: negated(columns) }],
    );
    sent = now;
    const whole = number === 1 || anew;
    return {
      restated: { number, whole },
      charges: whole ? [...now.values()] : [...added, ...back],
    };
  };
}

function negated(columns: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...columns].map(([name, cost]) => [name, formatDecimal(negate(decimal(cost)))]));
}

/** Equal charges differ by their ordinal. */
function chargesOf(costs: readonly string[], prefix: string): readonly ForwardedCharge[] {
  const seen = new Map<string, number>();
  return costs.map((cost) => {
    const ordinal = (seen.get(cost) ?? 0) + 1;
    seen.set(cost, ordinal);
    const columns = new Map(COST_COLUMNS.map((column) => [column as string, cost]));
    return { uid: `${prefix}-${cost}-${ordinal}`, columns };
  });
}

function batches(
  delivery: ForwardedDelivery,
  charges: readonly ForwardedCharge[],
  cut: number,
): readonly Arrived[] {
  const parts: Arrived[] = [];
  for (let from = 0; from < charges.length; from += cut)
    parts.push({ delivery, charges: charges.slice(from, from + cut), end: undefined });
  const total = formatDecimal(
    sum(charges.map(({ columns }) => decimal(columns.get('BilledCost') ?? '0'))),
  );
  const costs = Object.fromEntries(COST_COLUMNS.map((column) => [column, total]));
  const end = { charges: charges.length, costs: costs as Record<CostColumn, string> };
  return [...parts, { delivery, charges: [], end }];
}
