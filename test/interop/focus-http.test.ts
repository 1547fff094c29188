/** Charges from nginx: its etags, its packing, its ranges, its refusals. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import type { Delivery } from '../../pipelines/plugin/index.ts';
import focusHttp from '../../plugins/receivers/focus-http/index.ts';
import { focusd } from '../helpers/focusd-process.ts';
import { checkedSettings, type TurnedClock, worldOf } from '../helpers/plugin-world.ts';
import { nginx, startNginx } from './programs/nginx.ts';

t.setTimeout(3 * 60_000);

const program = await nginx();
const skip = 'skip' in program ? program.skip : false;

/** What nginx does in each place. */
const LOCATIONS = `
    location /bearer/ { if ($http_authorization != "Bearer t0k") { return 401; } alias html/; }
    location /basic/ { auth_basic bills; auth_basic_user_file users; alias html/; }
    location /secret/ { deny all; }
    location /slow/ { limit_rate 200k; alias html/; }
    location /busy/ { add_header Retry-After 17 always; return 429 "slow down"; }
    location /down/ { return 503; }
    location /moved/ { rewrite ^/moved/(.*)$ /bearer/$1 redirect; }`;

/** A line of FOCUS in NDJSON. */
const charge = (day: string, cost: string): string =>
  `{"BilledCost":${cost},"BillingCurrency":"USD","ChargeCategory":"Usage","ChargePeriodStart":"${day}T00:00:00Z","ChargePeriodEnd":"${day}T12:00:00Z","ServiceName":"Builds","ServiceProviderName":"Vercel"}\n`;

interface Taken extends Delivery {
  readonly contents: readonly Buffer[];
}

/** What one look delivers. */
async function take(
  t: Test,
  written: object,
  { cursor, clock }: { readonly cursor?: string; readonly clock?: TurnedClock } = {},
): Promise<readonly Taken[]> {
  const config = await checkedSettings(focusHttp, written);
  const folder = join(t.testdirName, 'state');
  const world = worldOf(config, { folder, once: true, ...(clock && { clock }) });
  t.teardown(() => world.close());
  const taken: Taken[] = [];
  for await (const delivery of focusHttp.receive(world, cursor))
    taken.push({ ...delivery, contents: delivery.parts.map(({ path }) => readFileSync(path)) });
  return taken;
}

t.test('charges from nginx', { skip }, async (t) => {
  const dir = t.testdir({ html: {}, users: 'focusd:{PLAIN}p4ss\n' });
  const html = (name: string): string => join(dir, 'html', name);
  const locations = LOCATIONS.replaceAll('alias html/', `alias ${dir}/html/`);
  let server = await startNginx(dir, locations);
  t.teardown(() => server.stop());
  const { url, port } = server;

  t.test('months: packed on the way, not read again until they change', async (t) => {
    t.testdir({});
    for (const [month, cost] of [
      ['2026-07', '7.00'],
      ['2026-09', '9.00'],
    ] as const)
      writeFileSync(html(`${month}.jsonl`), charge(`${month}-01`, cost).repeat(500));
    const settings = { url: `${url}/{month}.jsonl` };
    const first = await take(t, settings);
    t.same(
      first.map(({ scope, contents }) => [scope.slice(-7), String(contents[0]).length]),
      [
        ['2026-07', charge('2026-07-01', '7.00').length * 500],
        ['2026-09', charge('2026-09-01', '9.00').length * 500],
      ],
      'August is not there',
    );
    const cursor = first.at(-1)?.cursor ?? '';
    t.match(JSON.parse(cursor).done['2026-09'], { etag: /^W\/"/ }, 'nginx has packed it');
    t.same(await take(t, settings, { cursor }), []);
    const log = readFileSync(join(dir, 'access.log'), 'utf8');
    t.match(log, /GET \/2026-07\.jsonl HTTP\/1\.1" 304 /);
    utimesSync(html('2026-07.jsonl'), 1_700_000_000, 1_700_000_000);
    t.same(await take(t, settings, { cursor }), [], 'a younger file with the same content');
    writeFileSync(html('2026-07.jsonl'), charge('2026-07-01', '6.50'));
    const [restated, ...more] = await take(t, settings, { cursor });
    t.equal(String(restated?.contents[0]), charge('2026-07-01', '6.50'));
    t.same(more, []);
  });

  t.test('a packed file stays packed, and goes on after nginx was killed', async (t) => {
    t.testdir({});
    const content = gzipSync(randomBytes(700_000), { level: 0 });
    writeFileSync(html('bill.csv.gz'), content);
    const killed: string[] = [];
    const clock: TurnedClock = {
      ...worldOf({}).clock,
      async sleep(ms) {
        killed.push(`${ms}`);
        server = await startNginx(dir, locations, port);
      },
    };
    setTimeout(() => void server.stop('SIGKILL'), 1_000);
    const [bill] = await take(t, { url: `${url}/slow/bill.csv.gz`, period: 'all' }, { clock });
    t.ok(bill?.contents[0]?.equals(content), 'byte for byte');
    t.equal(killed.length, 1);
    const log = readFileSync(join(dir, 'access.log'), 'utf8');
    t.match(log, /bill\.csv\.gz HTTP\/1\.1" 206 /, 'the rest was asked for');
  });

  t.test('says what it is refused', async (t) => {
    t.testdir({});
    const said = async (path: string, more: object = {}): Promise<unknown> =>
      await take(t, { url: `${url}${path}`, period: 'all', ...more }).catch((error) => error);
    const bill = '2026-09.jsonl';
    t.match(await said(`/bearer/${bill}`), { name: 'Misconfigured', hint: /wrong or expired/ });
    t.match(await said(`/bearer/${bill}`, { token: 't0k' }), [{ mode: 'snapshot' }]);
    t.match(await said(`/moved/${bill}`, { token: 't0k' }), [{ mode: 'snapshot' }]);
    t.match(await said(`/basic/${bill}`, { username: 'focusd', password: 'no' }), {
      name: 'Misconfigured',
      message: /HTTP 401/,
    });
    const basic = await said(`/basic/${bill}`, { username: 'focusd', password: 'p4ss' });
    t.match(basic, [{ mode: 'snapshot' }]);
    t.match(await said('/secret/x'), { name: 'Misconfigured', hint: /role or scope/ });
    t.match(await said('/busy/'), { name: 'Unavailable', retryAfter: 17_000 });
    t.match(await said('/down/'), { name: 'Unavailable', message: /HTTP 503/ });
    t.match(await said('/nowhere'), { name: 'Misconfigured', hint: /misspelling/ });
  });

  t.test('the agent keeps the totals right', async (t) => {
    const folder = t.testdir({});
    const month = new Date().toISOString().slice(0, 7);
    const say = (text: string): void => writeFileSync(html('now.jsonl'), text);
    mkdirSync(join(folder, 'state'));
    writeFileSync(join(folder, 'focusd.yaml'), agentConfiguration(`${url}/now.jsonl?{month}`));
    const run = async (): Promise<string> => {
      const ran = await focusd(t, ['run', '--once'], { cwd: folder });
      t.equal(ran.code, 0, ran.stderr);
      return ran.stdout;
    };
    say(charge(`${month}-01`, '1.10') + charge(`${month}-02`, '2.20'));
    t.match(await run(), /3\.30/);
    say(charge(`${month}-01`, '1.10'));
    const restated = await run();
    t.match(restated, /1\.10/);
    t.notMatch(restated, /3\.30/, 'with fewer charges');
    say('');
    t.notMatch(await run(), /1\.10/, 'and with none');
    const tested = await focusd(t, ['test-receiver', 'focus-http'], { cwd: folder });
    t.match(tested, { code: 0, stdout: /1 bill would be read/ });
  });
});

function agentConfiguration(url: string): string {
  return `receivers:
  focus-http: { url: "${url}", look_back: 0 }
exporters:
  console: {}
workers: 1
storage: { folder: ./state }
service:
  pipelines:
    costs: { receivers: [focus-http], exporters: [console] }
  telemetry:
    metrics: { address: "off" }
`;
}
