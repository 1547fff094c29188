/** Web hooks through the receiver `github-actions`, fsync before each answer; the sender is a process of its own: `node test/bench/hooks.ts`. */
import { fork } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../plugins/kit/clock.ts';
import github from '../../plugins/receivers/github-actions/index.ts';
import { checkedSettings, worldOf } from '../helpers/plugin-world.ts';

const HOOKS = 20_000;
const CONNECTIONS = 64;
const SECRET = 'bench';

const [, file = '', address] = process.argv;
if (address === undefined) await receive();
else await sendTo(address);

async function receive(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'focusd-hooks-'));
  const config = await checkedSettings(github, { secret: SECRET, endpoint: '127.0.0.1:0' });
  const world = { ...worldOf(config, { folder }), clock: systemClock };
  const taken = take(world);
  let listening: string | undefined;
  while (listening === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const line = world.lines.find(({ fields }) => 'address' in fields);
    listening = line && String(line.fields.address);
  }
  const started = performance.now();
  const cpu = process.cpuUsage();
  const [code] = await once(fork(file, [listening]), 'exit');
  if (code !== 0) throw new Error('the sender failed');
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  const cpuSeconds = (used.user + used.system) / 1e6;
  console.log(
    `${HOOKS} web hooks over ${CONNECTIONS} connections: ${Math.round(HOOKS / seconds)} a second, ${Math.round(HOOKS / cpuSeconds)} a CPU-second, RSS ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
  );
  world.stop.abort();
  await taken;
  await world.close();
  rmSync(folder, { recursive: true });
}

async function sendTo(to: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let next = 0;
  const send = async (): Promise<void> => {
    while (next < HOOKS) {
      const id = next++;
      const status = await post(id, { to, agent });
      if (status !== 202) throw new Error(`web hook ${id} was answered with ${status}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  agent.destroy();
}

/** Commits everything at once. */
async function take(world: Parameters<typeof github.receive>[0]): Promise<void> {
  try {
    for await (const _ of github.receive(world, undefined));
  } catch (error) {
    if (!world.signal.aborted) throw error;
  }
}

/** About as large as GitHub's. */
function body(id: number): string {
  return JSON.stringify({
    action: 'completed',
    workflow_job: {
      id,
      run_id: 1_000_000 + id,
      run_attempt: 1,
      name: 'build',
      labels: ['ubuntu-latest'],
      runner_name: 'GitHub Actions 1',
      conclusion: 'success',
      started_at: '2026-09-17T10:00:00Z',
      completed_at: '2026-09-17T10:02:01Z',
      steps: Array.from({ length: 8 }, (_, number) => ({ name: `step ${number}`, number })),
    },
    repository: {
      full_name: 'example/shop',
      private: true,
      owner: { login: 'example', type: 'Organization' },
      description: 'x'.repeat(5_000),
    },
  });
}

async function post(
  id: number,
  { to, agent }: { readonly to: string; readonly agent: Agent },
): Promise<number | undefined> {
  const text = body(id);
  const answered = Promise.withResolvers<number | undefined>();
  const signature = createHmac('sha256', SECRET).update(text).digest('hex');
  request(`http://${to}/github`, {
    method: 'POST',
    agent,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'x-github-event': 'workflow_job',
      'x-github-delivery': `d-${id}`,
      'x-hub-signature-256': `sha256=${signature}`,
    },
  })
    .on('error', answered.reject)
    .on('response', (response) => {
      response.resume().on('end', () => answered.resolve(response.statusCode));
    })
    .end(text);
  return await answered.promise;
}
