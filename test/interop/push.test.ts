/** The CloudEvents SDK for JavaScript sends charges in every mode, twice; the example's agent counts each event once. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startFocusd } from '../helpers/focusd-process.ts';
import { committedCosts } from '../helpers/world.ts';
import { cloudEventsSdk, runWithSdk } from './programs/cloudevents-sdk.ts';

t.setTimeout(5 * 60_000);

const EXAMPLE = new URL('../../config/examples/push.yaml', import.meta.url);

/** Each event goes by itself in binary and in structured mode, and again in a batch with those that only it has. */
const SENDER = `
const { CloudEvent, HTTP, Mode, emitterFor } = require('cloudevents');
const answers = [];
const send = async ({ body, headers }) => {
  const answer = await fetch(process.env.SINK, { method: 'POST', body, headers: { ...headers, authorization: 'Bearer change-me' } });
  answers.push(answer.status);
};
const charge = (BilledCost, more) => ({ BilledCost, BillingCurrency: 'USD', ChargePeriodStart: '2026-09-17T10:00:00Z', ...more });
const event = (id, data) => new CloudEvent({ id, source: 'https://shop.example.com/billing', type: 'focus.charge', data });
const events = [
  event('one', charge('0.1')),
  event('two é "2"', charge(0.2, { ServiceName: 'Search', Tags: { team: 'shop' } })),
  event('three', [charge('1'), charge('2', { x_Note: 'a' })]),
];
(async () => {
  const binary = emitterFor(send, { mode: Mode.BINARY });
  const structured = emitterFor(send, { mode: Mode.STRUCTURED });
  await binary(events[0]);
  await structured(events[1]);
  await binary(events[2]);
  for (const one of events) await structured(one);
  const batch = [...events, event('four', charge('10')), event('five', charge('20'))];
  await send({ body: JSON.stringify(batch), headers: { 'content-type': 'application/cloudevents-batch+json' } });
  console.log(JSON.stringify(answers));
})();
`;

t.test('events of the SDK in each mode count once', async (t) => {
  const sdk = await cloudEventsSdk();
  if ('skip' in sdk) return t.plan(0, sdk.skip);
  const folder = t.testdir({});
  const path = join(folder, 'push.yaml');
  const text = readFileSync(EXAMPLE, 'utf8')
    .replace('  http:\n', '  http:\n    endpoint: 127.0.0.1:0\n    seal_every: 200ms\n')
    .replace('  health:\n', '  health:\n    endpoint: 127.0.0.1:0\n')
    .replace(/ {2}otlp:\n.*\n/, '  file:\n    folder: ./out\n')
    .replace('[otlp]', '[file]');
  writeFileSync(path, text);
  const agent = startFocusd(t, ['run', '-c', path], {
    env: { FOCUSD_STORAGE: join(folder, 'state') },
  });
  const { address } = await agent.said('listens for pushed records');
  const sink = { SINK: `http://${address}/v1/charges` };
  t.same(JSON.parse(await runWithSdk(sdk.path, SENDER, sink)), Array(7).fill(202));
  for (let i = 0; i < 200 && committedCosts(folder).BilledCost !== '33.3'; i++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  t.match(committedCosts(folder), { BilledCost: '33.3', EffectiveCost: '33.3' });
  agent.kill('SIGTERM');
  t.equal((await agent.ended).code, 0);
  t.equal(committedCosts(folder).BilledCost, '33.3');
});
