/** Agents of three accounts forward to a central one by mTLS: killed at random, through the real collector, and by the examples as they stand. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Random } from '../../agent/generate/random.ts';
import { type Running, startFocusd } from '../helpers/focusd-process.ts';
import { centralConfiguration } from '../helpers/forwarding.ts';
import {
  addCosts,
  bill,
  type Costs,
  committed,
  committedCosts,
  configuration,
  exportedCosts,
  focusCsv,
  put,
} from '../helpers/world.ts';
import { type Certificates, makeCertificates } from './programs/certs.ts';
import { collector, startCollector } from './programs/collector.ts';
import { variable } from './programs/collector-config.ts';
import { freePort } from './programs/ports.ts';

t.setTimeout(20 * 60_000);

const program = await collector();
const noCollector = 'skip' in program ? program.skip : false;
const PROVIDERS = ['aws', 'azure', 'focus'] as const;

/** A central agent and those of three accounts, each in a folder of its own; undefined without openssl. */
async function folders(
  t: Test,
  sendTo = (central: number, _name: string): readonly string[] => [`https://localhost:${central}`],
) {
  const root = t.testdir({});
  const certs = await makeCertificates(join(root, 'certs'));
  if ('skip' in certs) return undefined;
  const port = await freePort();
  const { ca, serverCert: cert, serverKey: key } = certs;
  const forward = `tls: ${JSON.stringify({ cert, key, client_ca: ca })}`;
  put(root, 'central/focusd.yaml', centralConfiguration({ port, forward }));
  const accounts = PROVIDERS.map((name) => {
    const exporters = sendTo(port, name).map((endpoint, i) => [
      `otlp/${i}`,
      exporter(name, endpoint, certs),
    ]);
    const text = configuration({ exporters: Object.fromEntries(exporters) });
    put(root, `${name}/focusd.yaml`, text);
    mkdirSync(join(root, name, 'bills'));
    return { name, folder: join(root, name) };
  });
  return { root, port, certs, central: join(root, 'central'), accounts };
}

function exporter(agent: string, endpoint: string, { ca, clientCert, clientKey }: Certificates) {
  const tls = endpoint.startsWith('https:') ? { ca, cert: clientCert, key: clientKey } : {};
  return JSON.stringify({
    backend_profile: 'focusd',
    agent,
    endpoint,
    tls,
    logs: { max_batch_bytes: '64KiB' },
    retry: { initial_interval: '50ms', max_interval: '1s', max_elapsed_time: '2s' },
  });
}

function writeBills(
  accounts: readonly { readonly name: string; readonly folder: string }[],
  revision: number,
) {
  return Promise.all(
    PROVIDERS.map((provider) => {
      const { folder = '' } = accounts.find(({ name }) => name === provider) ?? {};
      return bill(folder, { provider, rows: 700, revision, seed: 5 });
    }),
  );
}

/** Waits until the totals of an agent are these. */
async function settled(t: Test, folder: string, costs: Costs, what: string): Promise<void> {
  const wanted = JSON.stringify(costs);
  for (let i = 0; i < 3000 && JSON.stringify(committedCosts(folder)) !== wanted; i++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  t.strictSame(committedCosts(folder), costs, what);
}

const run = (t: Test, folder: string): Running =>
  startFocusd(t, ['run', '-c', join(folder, 'focusd.yaml')], { cwd: folder });

t.test('three accounts and the central agent, killed at random', async (t) => {
  const world = await folders(t);
  if (world === undefined) return t.plan(0, 'openssl is not installed');
  const { central, accounts } = world;
  const random = new Random(20_261_130);
  const all = [central, ...accounts.map(({ folder }) => folder)];
  const running = new Map(all.map((folder) => [folder, run(t, folder)]));
  let killed = 0;
  for (let revision = 1; revision <= 3; revision++) {
    const truths = await writeBills(accounts, revision);
    for (let kill = 0; kill < 3; kill++) {
      const victim = kill === 0 ? central : (all[random.int(all.length)] ?? central);
      await new Promise((resolve) => setTimeout(resolve, 500 + random.int(4_000)));
      running.get(victim)?.kill('SIGKILL');
      const { signal } = (await running.get(victim)?.ended) ?? {};
      if (signal === 'SIGKILL') killed++;
      running.set(victim, run(t, victim));
    }
    const truth = addCosts(truths.map(({ costs }) => costs));
    await settled(t, central, truth, `revision ${revision}: the sum of the accounts`);
  }
  t.equal(killed, 9);
  for (const { folder, name } of accounts) {
    const of = committed(central).filter(({ scope }) => scope.startsWith(`${name}/files/`));
    t.strictSame(addCosts(of.map(({ costs }) => costs)), committedCosts(folder), name);
    t.equal(of.length, committed(folder).length, 'each scope once');
  }
  const agent = running.get(central);
  agent?.kill('SIGTERM');
  await agent?.ended;
  t.strictSame(await exportedCosts(join(central, 'out')), committedCosts(central));
  for (const folder of all.slice(1)) running.get(folder)?.kill('SIGTERM');
});

t.test('a collector in between, and the straight way too', { skip: noCollector }, async (t) => {
  const [grpc, http] = [await freePort(), await freePort()];
  const world = await folders(t, (port, name) => [
    `http://127.0.0.1:${grpc}`,
    ...(name === 'aws' ? [`https://localhost:${port}`] : []),
  ]);
  if (world === undefined) return t.plan(0, 'openssl is not installed');
  const { root, central, accounts, port, certs } = world;
  const tls = { ca_file: certs.ca, cert_file: certs.clientCert, key_file: certs.clientKey };
  const batch = { send_batch_size: 300, send_batch_max_size: 300, timeout: '100ms' };
  const gateway = await startCollector({
    dir: join(root, 'gateway'),
    ports: { grpc, http },
    config: JSON.stringify({
      receivers: { otlp: { protocols: { grpc: { endpoint: variable('OTLP_GRPC') } } } },
      processors: { batch },
      exporters: {
        otlp: {
          endpoint: `localhost:${port}`,
          tls,
          retry_on_failure: { initial_interval: '100ms', max_elapsed_time: '0s' },
        },
      },
      service: {
        pipelines: { logs: { receivers: ['otlp'], processors: ['batch'], exporters: ['otlp'] } },
      },
    }),
  });
  t.teardown(() => gateway.stop());
  const running = [central, ...accounts.map(({ folder }) => folder)].map((folder) =>
    run(t, folder),
  );
  for (let revision = 1; revision <= 2; revision++) {
    const truths = await writeBills(accounts, revision);
    const truth = addCosts(truths.map(({ costs }) => costs));
    await settled(t, central, truth, `revision ${revision}`);
  }
  t.ok((await gateway.selfMetric('otelcol_exporter_sent_log_records')) > 2_000);
  for (const agent of running) agent.kill('SIGTERM');
});

t.test('the examples as they stand', async (t) => {
  const root = t.testdir({});
  const certs = await makeCertificates(join(root, 'certs'));
  if ('skip' in certs) return t.plan(0, 'openssl is not installed');
  mkdirSync(join(root, 'tls'));
  const names = {
    ca: 'ca.pem',
    serverCert: 'central.pem',
    serverKey: 'central.key',
    clientCert: 'agent.pem',
    clientKey: 'agent.key',
  };
  for (const [of, name] of Object.entries(names))
    copyFileSync(certs[of as keyof Certificates], join(root, 'tls', name));
  const port = await freePort();
  const nothing = await freePort();
  put(root, 'bills/a.csv', focusCsv([1.5, 2]));
  const start = (example: string) =>
    startFocusd(t, ['run', '-c', `config/examples/${example}.yaml`], {
      env: {
        FOCUSD_TLS: join(root, 'tls'),
        FOCUSD_LISTEN: `127.0.0.1:${port}`,
        FOCUSD_CENTRAL: `https://localhost:${port}`,
        FOCUSD_BILLS: join(root, 'bills'),
        FOCUSD_STORAGE: join(root, example, 'state'),
        FOCUSD_HEALTH: '127.0.0.1:0',
        FOCUSD_METRICS: 'off',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${nothing}`,
      },
    });
  const agents = [start('central-agent'), start('account-agent')];
  const central = join(root, 'central-agent');
  const costs = { BilledCost: '3.5', EffectiveCost: '3.5', ListCost: '3.5', ContractedCost: '3.5' };
  await settled(t, central, costs, 'its backend is down, it counts all the same');
  t.match(
    committed(central).map(({ scope }) => scope),
    [/^account-1\/files\//],
  );
  for (const agent of agents) agent.kill('SIGTERM');
});
