/** The real process takes pushed charges: what goes out is what was pushed, once, though it is killed and everything comes again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Running, startFocusd } from '../helpers/focusd-process.ts';
import { committed, deadLetters, exportedCosts } from '../helpers/world.ts';

const HEADERS = { authorization: 'Bearer secret', 'content-type': 'application/x-ndjson' };
const at = { BillingCurrency: 'USD', ChargePeriodStart: '2026-09-17T10:00:00Z' };
const event = (id: number, data: object) => ({
  specversion: '1.0',
  type: 'focus.charge',
  source: '/shop',
  id: String(id),
  data,
});

function configuration(folder: string, sealEvery: string): string {
  const path = join(folder, `${sealEvery}.yaml`);
  writeFileSync(
    path,
    `receivers:
  http: { endpoint: "127.0.0.1:0", token: secret, seal_every: ${sealEvery} }
exporters:
  file: { folder: ./out, format: focus-csv }
workers: 1
storage: { folder: ./state }
service:
  pipelines:
    pushed: { receivers: [http], exporters: [file] }
  telemetry:
    metrics: { address: "off" }
    logs: { level: debug }
`,
  );
  return path;
}

/** 1,500 lines with few columns, then events with others and in other spellings, and an object that is no charge. */
async function pushAll(agent: Running): Promise<readonly number[]> {
  const { address } = await agent.said('listens for pushed records');
  const url = `http://${address}/v1/charges`;
  const post = async (body: string, headers: Readonly<Record<string, string>>) =>
    (await fetch(url, { method: 'POST', headers: { ...HEADERS, ...headers }, body })).status;
  const lines = Array.from({ length: 1500 }, () =>
    JSON.stringify({ ...at, BilledCost: 0.01, ServiceName: 'Search' }),
  );
  lines.push(JSON.stringify({ ...at, BilledCost: 1, EffectiveCost: '0.5', Tags: { team: 'a' } }));
  const events = [
    event(1, { ...at, BilledCost: '2', EffectiveCost: '1', ProviderName: 'Acme' }),
    event(2, { ...at, BilledCost: 3, Provider: 'Acme' }),
    event(3, { billed_cost: 4, billing_currency: 'USD', charge_period_start: '2026-09-17' }),
    event(4, [{ ...at, BilledCost: 5 }, { hello: 'world' }]),
    event(5, {}),
  ];
  return [
    await post(lines.join('\n'), { 'idempotency-key': '2026-09-17T10' }),
    await post(JSON.stringify(events), { 'content-type': 'application/cloudevents-batch+json' }),
  ];
}

t.test('pushed charges go out once', async (t) => {
  const folder = t.testdir({});
  const first = startFocusd(t, ['run', '-c', configuration(folder, '1h')]);
  t.same(await pushAll(first), [202, 202]);
  first.kill('SIGKILL');
  await first.ended;

  const second = startFocusd(t, ['run', '-c', configuration(folder, '100ms')]);
  t.same(await pushAll(second), [202, 202], 'everything again');
  for (let i = 0; i < 200 && committed(folder).length < 6; i++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  second.kill('SIGTERM');
  t.equal((await second.ended).code, 0);
  t.equal(committed(folder).length, 6, 'one for each set of columns');
  const costs = { BilledCost: '30', EffectiveCost: '28.5' };
  t.match(await exportedCosts(join(folder, 'out')), costs);
  t.same(
    deadLetters(folder)
      .map(({ reason }) => reason)
      .toSorted(),
    ['missing_mandatory', 'unreadable_part'],
  );
});
