/** Bills as AWS exports them to a bucket, and what `aws-data-exports` takes out of it. */
import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import type { Delivery } from '../../pipelines/plugin/index.ts';
import receiver from '../../plugins/receivers/aws-data-exports/index.ts';
import { checkedSettings, type Line, worldOf } from '../helpers/plugin-world.ts';
import { type Crowd, type Moto, type MotoUser, startMoto } from './programs/moto.ts';

export const BUCKET = 'acme-billing';
export const DATA = 'exports/focus/data/BILLING_PERIOD=2026-09';
export const MANIFEST = 'exports/focus/metadata/BILLING_PERIOD=2026-09/focus-Manifest.json';

/** What the agent may do, and nothing else. */
export const POLICY = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 's3:ListBucket', Resource: `arn:aws:s3:::${BUCKET}` },
    { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${BUCKET}/exports/*` },
  ],
};

/** Stores an object of the bucket. */
export type Put = (key: string, content: string) => Promise<void>;

/** A moto with the bucket, and one user who may read what the policy says. */
export interface Cloud {
  readonly s3: Moto;
  readonly user: MotoUser;
  /** Changes the bucket with the guard off. */
  change(work: () => Promise<void>): Promise<void>;
  /** Stores an object, with the guard off. */
  readonly put: Put;
}

/** Starts a guarded moto. */
export async function cloud(t: Test, crowd?: Crowd): Promise<Cloud> {
  const s3 = await startMoto(t.testdir({}), crowd);
  t.teardown(() => s3.stop());
  if (crowd === undefined) await s3.put(BUCKET, '', '');
  const user = await s3.user(POLICY);
  await s3.guard(true);
  return {
    s3,
    user,
    async change(work) {
      await s3.guard(false);
      await work();
      await s3.guard(true);
    },
    put: (key, content) => s3.put(BUCKET, key, content),
  };
}

/** A run of the export: its parts by name, and the manifest last. */
export async function putRun(
  put: Put,
  run: string,
  parts: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, content] of Object.entries(parts)) await put(`${DATA}/${name}`, content);
  await put(MANIFEST, manifestOf(run, Object.keys(parts)));
}

/** The manifest of a run with these parts. */
export function manifestOf(executionId: string, parts: readonly string[]): string {
  const dataFiles = parts.map((name) => `s3://${BUCKET}/${DATA}/${name}`);
  return JSON.stringify({ executionId, exportName: 'focus', dataFiles });
}

/** Settings as an operator writes them. */
export interface Settings {
  readonly [name: string]: unknown;
}

/** Settings for the bucket at an endpoint, by an access key. */
export function settingsFor(endpoint: string, user: MotoUser, more: Settings = {}): Settings {
  const credentials = {
    access_key_id: user.accessKeyId,
    secret_access_key: user.secretAccessKey,
  };
  return { bucket: BUCKET, prefix: 'exports/', endpoint, look_back: 120, credentials, ...more };
}

/** A delivery, and what its parts said while they were there. */
export interface Taken extends Delivery {
  readonly texts: readonly string[];
}

export interface Taking {
  readonly folder?: string;
  readonly cursor?: string;
  /** The clock of the machine is wrong by this much, milliseconds. */
  readonly skewMs?: number;
  /** Where the lines of the log go. */
  readonly lines?: Line[];
}

/** What the receiver delivers in one look; the clock is that of the machine, as signatures want it. */
export async function take(
  t: Test,
  settings: Settings,
  { folder = t.testdir({}), cursor, skewMs = 0, lines = [] }: Taking = {},
): Promise<readonly Taken[]> {
  const world = worldOf(await checkedSettings(receiver, settings), { once: true, folder });
  const clock = { ...world.clock, now: () => Date.now() + skewMs };
  t.teardown(() => world.close());
  const found: Taken[] = [];
  try {
    for await (const delivery of receiver.receive({ ...world, clock }, cursor))
      found.push({
        ...delivery,
        texts: delivery.parts.map(({ path }) => readFileSync(path, 'utf8')),
      });
    return found;
  } finally {
    lines.push(...world.lines);
  }
}
