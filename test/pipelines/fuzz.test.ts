/**
 * Damaged files of every format: what comes is a charge, a dead letter or a part set aside, and its accounts close; never a crash, never a hang.
 * `fuzz/` holds files that once did worse, or whose damage chance seldom makes; put there what a run with more `FOCUSD_FAULT_RUNS` finds.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type GenerateRequest, generateBill } from '../../agent/generate/generate-bill.ts';
import { Random, seedFor } from '../../agent/generate/random.ts';
import { unbalancedColumns } from '../../agent/ledger.ts';
import { stageSettings } from '../../agent/stages.ts';
import type { Delivered } from '../../pipelines/engine/deliver.ts';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import type { Sink } from '../../pipelines/plugin/contract.ts';
import { deliverFile } from '../helpers/one-file.ts';
import { attributesOf, decodeLogs, recordsOf } from '../helpers/otlp-proto.ts';

t.setTimeout(60 * 60_000);

const RUNS = Number(process.env.FOCUSD_FAULT_RUNS ?? 120);
/** One that takes longer hangs, whatever the machine does. */
const HANGS_MS = 120_000;
const KNOWN = fileURLToPath(new URL('./fuzz', import.meta.url));

const BILLS = [
  { provider: 'aws', format: 'parquet' },
  { provider: 'azure', format: 'csv' },
  { provider: 'focus', format: 'csv.gz' },
  { provider: 'focus', format: 'csv.zst' },
  { provider: 'gcp', format: 'ndjson' },
  { provider: 'focus', format: 'ndjson.gz' },
  { provider: 'focus', format: 'parquet' },
  { provider: 'aws-legacy', format: 'csv' },
] as const satisfies readonly Partial<GenerateRequest>[];

const pool = createWorkerPool({ workers: 1, idleMs: 60_000 });
t.teardown(() => pool.close());

/** What changes about a file. */
const CHANGES: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  (bytes, random) => {
    const at = random.int(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8));
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, random.int(bytes.length)),
  (bytes, random) => bytes.subarray(random.int(Math.min(bytes.length, 200))),
  (bytes, random) => {
    const at = random.int(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.int(bytes.length))]);
  },
  (bytes, random) => {
    const at = random.int(bytes.length);
    const text = NASTY[random.int(NASTY.length)] ?? '';
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = random.int(bytes.length);
    return bytes.fill(random.int(2) === 0 ? 0 : 255, at, at + 1 + random.int(16));
  },
  // Lengths stand near the ends of binary formats.
  (bytes, random) => {
    const at = Math.max(0, bytes.length - 1 - random.int(64));
    bytes[at] = random.int(256);
    return bytes;
  },
];

const NASTY = [
  '"',
  '""',
  '\r',
  '\n\n',
  ',',
  '\u0000',
  '{',
  '}}',
  '\\u',
  '1e999999',
  '-',
  '\uFEFF',
  '9'.repeat(400),
  'NaN',
  '[[',
];

interface Outcome {
  readonly delivered: Delivered;
  readonly records: number;
  readonly ids: number;
}

async function read(path: string): Promise<Outcome> {
  const bodies: Uint8Array[] = [];
  const sink: Sink = {
    encoding: { kind: 'otlp-logs', compression: 'none', maxBytes: 1 << 20 },
    write: async ({ bytes }) => {
      bodies.push(Uint8Array.from(bytes));
      return {};
    },
    abort: async () => {
      bodies.length = 0;
    },
    close: async () => {},
  };
  const delivered = await deliverFile(path, {
    pool,
    targets: [{ id: 'otlp', sink }],
    settings: stageSettings({ version: '0' }),
    signal: AbortSignal.timeout(HANGS_MS),
  });
  const records = bodies.flatMap((body) => [...recordsOf(decodeLogs(body))]);
  const ids = new Set(records.map((record) => attributesOf(record)['log.record.uid']?.stringValue));
  return { delivered, records: records.length, ids: ids.size };
}

/** What is wrong with how a file was read; undefined: nothing. */
async function wrong(path: string): Promise<string | undefined> {
  try {
    const { delivered, records, ids } = await read(path);
    const { read: all, written, rejected, dropped } = delivered.rows;
    const columns = unbalancedColumns(delivered);
    if (columns.length > 0) return `accounts do not close: ${columns.join()}`;
    if (records !== written) return `${written} charges, ${records} records`;
    if (ids !== records) return `${records} records with ${ids} ids`;
    return all + written + rejected + dropped >= 0 ? undefined : 'rows are no numbers';
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.stack}` : String(error);
  }
}

t.test('what once did worse', async (t) => {
  for (const name of readdirSync(KNOWN)) t.equal(await wrong(join(KNOWN, name)), undefined, name);
});

t.test('damaged at random', async (t) => {
  const folder = t.testdir();
  const originals: Buffer[] = [];
  for (const bill of BILLS) {
    const of = { rows: 30, seed: 5, month: '2026-09', revision: 1, faults: 2, parts: 1 };
    const { files } = await generateBill({ ...of, ...bill, folder });
    originals.push(readFileSync(join(folder, files[0] ?? '')));
  }
  for (let run = 0; run < RUNS; run++) {
    const random = new Random(seedFor(run, 7));
    const which = run % BILLS.length;
    let bytes = Buffer.from(originals[which] ?? '');
    for (let change = 0; change <= random.int(3) && bytes.length > 0; change++)
      bytes = Buffer.from(CHANGES[random.int(CHANGES.length)]?.(bytes, random) ?? bytes);
    const path = join(folder, `damaged.${BILLS[which]?.format}`);
    writeFileSync(path, bytes);
    const problem = await wrong(path);
    t.equal(problem, undefined, `run ${run}: ${BILLS[which]?.provider} ${BILLS[which]?.format}`);
  }
});
