import t from 'tap';
import { createLog, type LogOptions } from '../../agent/log.ts';
import { Unavailable } from '../../pipelines/plugin/index.ts';

function logTo(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createLog({ level: 'info', encoding: 'json', write, ...options });
  return { log, lines, json: () => lines.map((line) => JSON.parse(line)) };
}

t.test('JSON: one object per line', async (t) => {
  const { log, lines, json } = logTo();
  log.info('delivery committed', { rows: 3, scope: 'a\nb', big: 12n });
  t.match(lines, [/^[^\n]*\n$/]);
  t.match(json(), [
    { level: 'info', message: 'delivery committed', rows: 3, scope: 'a\nb', big: '12' },
  ]);
  t.match(json()[0].time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

t.test('severities, also changed while it runs, for children too', async (t) => {
  const { log, json } = logTo({ level: 'warn' });
  const child = log.child({ component: 'otlp' });
  for (const each of [log, child])
    for (const level of ['debug', 'info', 'warn', 'error'] as const) each[level](level);
  log.setLevel('error');
  child.warn('not shown');
  log.setLevel('debug');
  child.debug('shown');
  t.strictSame(
    json().map(({ level, component }) => [level, component]),
    [
      ['warn', undefined],
      ['error', undefined],
      ['warn', 'otlp'],
      ['error', 'otlp'],
      ['debug', 'otlp'],
    ],
  );
});

t.test('errors are told with their causes', async (t) => {
  const { log, json } = logTo();
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  log.warn('it failed', { error: new Unavailable('GET /', { cause }), list: [new Error('x')] });
  t.match(json(), [
    {
      error: {
        name: 'Unavailable',
        message: 'GET /',
        cause: { message: 'refused', code: 'ECONNREFUSED' },
      },
      list: [{ message: 'x' }],
    },
  ]);
});

t.test('secrets are masked, by value and by name', async (t) => {
  for (const encoding of ['json', 'console'] as const) {
    const { log, lines } = logTo({ encoding, secrets: ['s3cr3t"quoted', 'tok', 'plain-secret'] });
    log.child({ apiKey: 'child-key' }).error('failed with plain-secret', {
      url: 'https://x/?t=plain-secret',
      nested: { quoted: 's3cr3t"quoted', headers: { Authorization: 'Bearer 1234' } },
      error: new Error('said plain-secret'),
      token: 987_654_321,
      tokens: 'tok',
    });
    const all = lines.join('');
    t.notMatch(all, /s3cr3t|plain-secret|Bearer|child-key|987654321/, encoding);
    t.match(all, /tok/, 'what is too short to be a secret does not tear words apart');
  }
});

t.test('lines for people', async (t) => {
  const { log, lines } = logTo({ encoding: 'console' });
  log.warn('part set aside\u001b[2J', { path: '/a b', rows: 3, reason: 'x\ny', plain: 'one' });
  t.match(lines, [
    /^\d\d:\d\d:\d\d\.\d{3} warn {2}part set aside\?\[2J {2}path="\/a b" {2}rows=3 {2}reason="x\\ny" {2}plain=one\n$/,
  ]);
  const colored = logTo({ encoding: 'console', color: true });
  colored.log.error('x');
  t.ok(colored.lines[0]?.includes('\u001b[31merror'));
});

t.test('anything can be logged', async (t) => {
  const { log, json } = logTo();
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  log.info('odd', {
    circle,
    nothing: null,
    absent: undefined,
    bytes: new Uint8Array(3),
    when: new Date(0),
  });
  t.match(json(), [
    { message: 'odd', nothing: null, bytes: '[3 bytes]', when: '1970-01-01T00:00:00.000Z' },
  ]);
});

t.test('the last lines can be looked at, masked; secrets may come later', async (t) => {
  const { log, json } = logTo({ secrets: ['hunter22', 'true'] });
  log.info('hunter22 true', { flag: true, header: 'Bearer abcdefgh' });
  log.hide(['Bearer abcdefgh']);
  log.child({ component: 'otlp' }).warn('and abcdefgh alone', { long: 'x'.repeat(5_000) });
  log.debug('not written, not kept');
  t.match(json(), [{ message: '*** ***', flag: true }, { message: 'and *** alone' }]);
  const [first, second, ...more] = log.recent().map((line) => JSON.parse(line));
  t.match(first, { message: '*** ***' });
  t.strictSame(Object.keys(second), ['level', 'time', 'component', 'message'], 'a long one');
  t.equal(more.length, 0);
  for (let i = 0; i < 500; i++) log.info(String(i));
  t.equal(log.recent().length, 200);
  t.match(log.recent().at(-1), /"499"/);
});
