import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { configure } from '../configure.ts';
import { type AuditEntry, type ChainCheck, checkChain } from '../state/audit-chain.ts';
import { costsOf, type State } from '../state/state.ts';
import { existingState } from './existing-state.ts';

interface Options {
  readonly config: string;
  readonly json?: boolean;
}

/** Walks the audit chain and names the first entry that does not hold, and totals that are not those it states. Exit code 1 when something is wrong. */
export async function verify(options: Options & { readonly head?: string }): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  const state = await existingState(configuration);
  try {
    const links = [...(await state.auditTrail())];
    const chain = checkChain(links);
    const { head, broken, entries } = chain;
    const wrong = [
      ...(broken === undefined ? [] : [`entry ${broken.sequence} is broken: ${broken.reason}`]),
      ...(options.head === undefined || links.some(({ hash }) => hash === options.head)
        ? []
        : [`no entry has the hash ${options.head}: the chain was cut or made anew`]),
      ...[state.lack?.() ?? []].flat().map((lack) => `the state is not whole: ${lack}`),
      ...(broken === undefined ? await strayDeliveries(state, chain) : []),
    ];
    const result = { entries: entries.length, head, wrong };
    process.stdout.write(
      options.json === true ? `${JSON.stringify(result, null, 2)}\n` : told(result),
    );
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    await state.close();
  }
}

function told({
  entries,
  head,
  wrong,
}: {
  readonly entries: number;
  readonly head: string;
  readonly wrong: readonly string[];
}): string {
  if (wrong.length > 0) return `${wrong.join('\n')}\n${entries} entries before that hold.\n`;
  return `${entries} entries, the chain holds. Its head is ${head}\n`;
}

/** Deliveries whose totals are not what the chain says was committed. */
async function strayDeliveries(state: State, { entries }: ChainCheck): Promise<string[]> {
  const stated = new Map<unknown, unknown>();
  for (const { kind, about } of entries) {
    if (kind === 'delivery.committed' || kind === 'delivery.restated')
      stated.set(about.delivery, about.costs);
    // Committed before there was a chain: it knows that they were there.
    else if (kind === 'state.upgraded' && Array.isArray(about.deliveries))
      for (const id of about.deliveries) stated.set(id, undefined);
  }
  const strays: string[] = [];
  for (const { id, scope } of await state.deliveries()) {
    if (!stated.has(id)) {
      strays.push(`delivery ${id} (${scope}) is not in the chain`);
      continue;
    }
    const costs = stated.get(id) as Readonly<Record<string, string>> | undefined;
    for (const [column, held] of Object.entries(costsOf(await state.totalsOf(id))))
      if (costs !== undefined && costs[column] !== held)
        strays.push(
          `delivery ${id} (${scope}): ${column} is ${held}, the chain says ${costs[column]}`,
        );
  }
  return strays;
}

/** Shows the audit chain, oldest first. */
export async function log(options: Options & { readonly since?: string }): Promise<void> {
  const since = Date.parse(options.since ?? '1970-01-01');
  if (Number.isNaN(since))
    throw new Misconfigured(`--since ${options.since} is no time`, {
      hint: 'for example 2026-11-01 or 2026-11-01T08:00:00Z',
    });
  const { configuration } = await configure(options.config, process.env);
  const state = await existingState(configuration);
  try {
    for (const { entry } of await state.auditTrail()) {
      const parsed = JSON.parse(entry) as AuditEntry;
      if (Date.parse(parsed.time) < since) continue;
      process.stdout.write(`${options.json === true ? entry : line(parsed)}\n`);
    }
  } finally {
    await state.close();
  }
}

function line({ sequence, time, kind, about }: AuditEntry): string {
  return `${sequence} ${time} ${kind} ${JSON.stringify(about)}`;
}
