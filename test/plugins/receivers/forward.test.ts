import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { createLogEncoder } from '../../../pipelines/encode/otlp-logs/index.ts';
import { cellText } from '../../../pipelines/focus/batch.ts';
import { decimal, formatDecimal, sum } from '../../../pipelines/focus/decimal.ts';
import { linkAttributes } from '../../../pipelines/link/index.ts';
import {
  attemptNumber,
  type Delivery,
  type ForwardedDelivery,
  forwardedDelivery,
} from '../../../pipelines/plugin/index.ts';
import { chargeReader } from '../../../plugins/receivers/forward/charge-row.ts';
import forward from '../../../plugins/receivers/forward/index.ts';
import { readLogRequest } from '../../../plugins/receivers/forward/log-request.ts';
import { checkSettings, type Settings } from '../../../plugins/receivers/forward/settings.ts';
import { speakers } from '../../../plugins/receivers/forward/speakers.ts';
import { ForwardStore } from '../../../plugins/receivers/forward/store/index.ts';
import { charges } from '../../helpers/arbitrary-charges.ts';
import { batchOf } from '../../helpers/batch.ts';
import { story } from '../../helpers/forwarded-bills.ts';
import { numberedIds, numberedUid } from '../../helpers/numbered-ids.ts';
import { checkedSettings } from '../../helpers/plugin-world.ts';

t.setTimeout(10 * 60_000);

const DELIVERY: ForwardedDelivery = {
  agent: 'acct-1',
  receiver: 'aws-data-exports/eu',
  scope: 'export/2026-09',
  revision: 'etag "1"',
  mode: 'snapshot',
  id: 'd1',
  attempt: attemptNumber({ observedMs: 1_790_000_000_123 }, 2),
  restated: { number: 3, whole: true },
};

t.test('what is encoded for another agent is read there as it was', async (t) => {
  await fc.assert(
    fc.asyncProperty(charges, async (rows) => {
      const batch = batchOf(rows.map((row, i) => ({ ...row, owner: `team ${i % 2}` })));
      const { agent, ...forwarded } = DELIVERY;
      const encoder = createLogEncoder({
        resource: { 'service.name': 'focusd' },
        observedMs: 1_790_000_000_123,
        uidPrefix: 'p',
        scopeVersion: '1',
        maxBytes: 4_000,
        forward: { agent },
        forwarded,
      });
      const extras = { links: linkAttributes(batch), ids: numberedIds(batch) };
      const requests = [...encoder.add(batch, extras), ...encoder.finish()];
      const scopes = requests.flatMap(({ bytes }) => readLogRequest(Buffer.from(bytes)));
      for (const { attributes } of scopes)
        assert.deepEqual(forwardedDelivery(attributes), DELIVERY);
      const read = scopes.flatMap(({ records }) => records).map(chargeReader());
      assert.equal(read.length, rows.length);
      read.forEach((charge, row) => {
        assert.equal(charge?.uid, numberedUid('p', row + 1));
        const columns = [...batch.columns].flatMap(([name, column]) => {
          const text = cellText(column, row);
          return text === undefined ? [] : [[name === 'owner' ? 'x_Owner' : name, text] as const];
        });
        assert.deepEqual(
          new Map([...(charge?.columns ?? [])].toSorted()),
          new Map(columns.toSorted()),
        );
      });
    }),
  );
  t.pass();
});

/** A central agent's state: what it has committed. */
class Center {
  readonly #scopes = new Map<string, { revision: string; billed: string }[]>();

  commit({ scope, revision, mode, parts }: Delivery): void {
    const known = this.#scopes.get(scope) ?? [];
    if (known.some((one) => one.revision === revision)) return;
    const lines = parts.flatMap(({ path }) =>
      zstdDecompressSync(readFileSync(path)).toString().split('\n'),
    );
    const costs = lines.filter((line) => line !== '').map((line) => JSON.parse(line).BilledCost);
    const one = { revision, billed: formatDecimal(sum(costs.map(decimal))) };
    this.#scopes.set(scope, mode === 'append' ? [...known, one] : [one]);
  }

  get billed(): string {
    const all = [...this.#scopes.values()].flat();
    return formatDecimal(sum(all.map(({ billed }) => decimal(billed))));
  }
}

t.test(
  'whatever comes twice, late, in any order and through crashes: the truth is left',
  async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'forward-'));
    t.teardown(() => rmSync(root, { recursive: true }));
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        story,
        fc.infiniteStream(fc.constantFrom('keep', 'keep', 'count', 'crash', 'crash late')),
        async ({ arrivals, billed }, steps) => {
          const folder = join(root, String(runs++));
          const open = () =>
            new ForwardStore({
              folder,
              clock: { now: () => 1_790_000_000_000, sleep: async () => {} },
              log: { debug() {}, info() {}, warn() {}, error() {} },
              maxBytes: 1e9,
              incompleteMs: 1e9,
              rememberMs: 1e9,
            });
          const center = new Center();
          let store = open();
          for (const arrived of arrivals) {
            await store.keep(arrived);
            const { value: step } = steps.next();
            if (step === 'keep') continue;
            for await (const delivery of store.deliveries()) {
              if (step === 'crash') break;
              center.commit(delivery);
              if (step === 'crash late') break;
            }
            if (step === 'count') continue;
            store.close();
            store = open();
          }
          for (let i = 0; i < 2; i++)
            for await (const delivery of store.deliveries()) center.commit(delivery);
          for await (const again of store.deliveries())
            assert.fail(`${again.scope} does not settle`);
          assert.equal(store.waiting().bytes, 0);
          store.close();
          rmSync(folder, { recursive: true });
          assert.equal(center.billed, billed);
        },
      ),
      { numRuns: 60 },
    );
    t.pass();
  },
);

t.test('who may speak for which agent', async (t) => {
  const CLIENT = { san: ['a.example', 'spiffe://x'], cn: ['client'] };
  const NOBODY = { san: [], cn: [] };
  const spoken = (tls: object, agent: string, client = CLIENT) =>
    speakers({ agent_name: 'any', speaks_for: {}, ...tls } as Settings['tls'])(client, agent);
  t.equal(spoken({}, 'whoever', NOBODY), undefined, 'not bound');
  t.equal(spoken({ agent_name: 'san' }, 'a.example'), undefined);
  t.equal(spoken({ agent_name: 'san' }, 'spiffe://x'), undefined);
  t.match(spoken({ agent_name: 'san' }, 'client'), /\(san: a\.example, spiffe:\/\/x\) may not/);
  t.equal(spoken({ agent_name: 'cn' }, 'client'), undefined);
  t.match(spoken({ agent_name: 'cn' }, '', NOBODY), /no name\) may not speak/);
  const speaks_for = { client: 'b, c', 'a.example': '*' };
  t.equal(spoken({ agent_name: 'cn', speaks_for }, 'c'), undefined);
  t.match(spoken({ agent_name: 'cn', speaks_for }, 'd'), /may not speak for the agent d/);
  t.equal(spoken({ agent_name: 'san', speaks_for }, 'd'), undefined, 'any');
  const check = async (tls: object) => {
    const config = await checkedSettings(forward, { tls });
    checkSettings(config, 'receivers.forward');
  };
  await check({ agent_name: 'any' });
  await t.rejects(check({ agent_name: 'cn' }), { message: /say nothing/ });
  await t.rejects(check({ speaks_for: { a: 'b' } }), { message: /under any name/ });
});
