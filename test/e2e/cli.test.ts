import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parse } from 'csv-parse/sync';
import t, { type Test } from 'tap';
import { buildProgram } from '../../agent/cli/program.ts';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/decimal.ts';
import { focusd, type Ran, startFocusd } from '../helpers/focusd-process.ts';
import {
  bill,
  committedCosts,
  configuration,
  exportedCosts,
  filesBelow,
  focusCsv,
  focusRow,
  put,
  worldFolder,
} from '../helpers/world.ts';

type Row = Readonly<Record<string, string>>;

function rowsOf(text: string): readonly Row[] {
  return parse(text, { columns: true }) as readonly Row[];
}

function billed(rows: readonly Row[]): string {
  return formatDecimal(sum(rows.map(({ BilledCost }) => decimal(String(BilledCost)))));
}

function ends(t: Test, ran: Ran, code: number, stderr?: RegExp): void {
  t.equal(ran.code, code, `exit code of: ${ran.stderr.slice(0, 200)}`);
  if (stderr !== undefined) t.match(ran.stderr, stderr);
  t.notMatch(ran.stderr, /\n {4}at /, 'no stack');
}

t.test('help, version, mistakes', async (t) => {
  const [help, command, version, nothing, unknown, option] = await Promise.all(
    [['--help'], ['convert', '--help'], ['--version'], [], ['cnvert'], ['run', '--onec']].map(
      (args) => focusd(t, args),
    ),
  );
  t.equal(help?.code, 0);
  for (const name of [
    'run',
    'demo',
    'top',
    'support',
    'probe',
    'tap',
    'explain',
    'validate',
    'plugins',
    'test-receiver',
    'audit',
    'convert',
    'check',
    'generate',
  ])
    t.match(help?.stdout, new RegExp(`^  ${name} `, 'm'), name);
  t.match(help?.stdout, /Examples:\n +focusd demo/);
  t.match(command?.stdout, /--mapping <name>/);
  t.match(version, { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
  t.match(nothing, { code: 1, stderr: /Usage: focusd/ });
  t.match(unknown, { code: 1, stderr: /unknown command 'cnvert'.*Did you mean convert.*--help/s });
  t.match(option, { code: 1, stderr: /unknown option '--onec'.*--once/s });
});

t.test('validate', async (t) => {
  const folder = worldFolder(t);
  put(
    folder,
    'broken.yaml',
    configuration().replace('settle', 'setle').replace('folder: ./out', 'folder: 3, formt: x'),
  );
  const [good, printed, broken, missing] = await Promise.all(
    [['-c', 'focusd.yaml'], ['-c', 'focusd.yaml', '--print'], ['-c', 'broken.yaml'], []].map(
      (args, i) =>
        focusd(t, ['validate', ...args], { cwd: i === 3 ? join(folder, 'bills') : folder }),
    ),
  );
  t.match(good, {
    code: 0,
    stdout: 'focusd.yaml is good: 1 pipeline, 1 receiver, 1 exporter.\n',
    stderr: '',
  });
  t.match(printed, { code: 0, stdout: /settle: 0s/ });
  t.match(broken, {
    code: 2,
    stderr: /problems:.*setle is not a setting.*did you mean settle.*formt/s,
    stdout: '',
  });
  t.match(missing, { code: 2, stderr: /focusd\.yaml does not exist/ });
});

t.test('plugins', async (t) => {
  const [list, one, json, none, mapping] = await Promise.all(
    [[], ['files'], ['file', '--json'], ['fils'], ['aws-cur']].map((args) =>
      focusd(t, ['plugins', ...args]),
    ),
  );
  t.match(list, { code: 0, stdout: /^receiver +files +beta +\w.*\n(.*\n)*exporter +otlp /m });
  t.match(list?.stdout, /^mapping +focus +FOCUS 1\.0/m);
  t.match(
    mapping?.stdout,
    /^mapping aws-cur\n[\s\S]*--set aws-cur\.SETTING[\s\S]*split_rows \(off/,
  );
  t.match(one?.stdout, /paths \(paths, required\)[\s\S]*settle \(duration, default "2s"\)/);
  t.match(JSON.parse(json?.stdout ?? ''), [
    {
      kind: 'exporter',
      type: 'file',
      package: 'focusd',
      settings: [{ name: 'folder', required: true }],
    },
  ]);
  t.match(none, { code: 2, stderr: /there is no plugin "fils"\n +there are: .*files/ });
});

t.test('the help of every command shows examples that can be typed', async (t) => {
  for (const command of buildProgram().commands) {
    let text = '';
    command.configureOutput({ writeOut: (more) => (text += more) }).outputHelp();
    const [, examples = ''] = text.split('Examples:\n');
    t.not(examples, '', command.name());
    for (const line of examples.trimEnd().split('\n')) {
      const [, name, ...words] = (line.split('#')[0] ?? '').trim().split(/\s+/);
      t.equal(name, command.name(), line);
      const sub = command.commands.find((known) => known.name() === words[0]) ?? command;
      const known = sub.options.flatMap(({ long, short }) => [long, short]);
      const wanted = words.filter((word) => word.startsWith('-'));
      t.strictSame(
        wanted.filter((word) => !known.includes(word)),
        [],
        line,
      );
    }
  }
});

t.test('convert', async (t) => {
  const folder = worldFolder(t);
  const truth = await bill(folder, { provider: 'aws', rows: 80, format: 'csv.gz', parts: 2 });
  put(folder, 'few.csv', focusCsv([1, 2.5]));
  put(folder, 'bad.csv', focusCsv([4, focusRow('x'), focusRow(8, { start: 'never' })]));
  put(folder, 'empty.csv', '');
  const run = (...args: string[]): Promise<Ran> => focusd(t, ['convert', ...args], { cwd: folder });

  await t.test('to every format, from a folder; machines read the account', async (t) => {
    const rans = await Promise.all(
      ['csv', 'ndjson', 'parquet'].map((format) =>
        run('bills', '-o', `made/${format}/out.${format}`, '--json'),
      ),
    );
    for (const ran of rans) {
      ends(t, ran, 0);
      t.match(JSON.parse(ran.stdout), {
        rows: { read: truth.rows, written: truth.charges, rejected: 0 },
        costs: {
          BilledCost: {
            source: 'line_item_unblended_cost',
            out: truth.costs.BilledCost,
            conserved: true,
          },
          EffectiveCost: { out: truth.costs.EffectiveCost, conserved: true },
        },
        parts: [{ mapping: 'aws-cur', format: 'csv' }, { mapping: 'aws-cur' }],
      });
    }
    const rows = rowsOf(readFileSync(join(folder, 'made/csv/out.csv'), 'utf8'));
    t.equal(rows.length, truth.charges, 'two files, one header');
    for (const format of ['csv', 'ndjson', 'parquet']) {
      t.strictSame(readdirSync(join(folder, 'made', format)), [`out.${format}`]);
      t.strictSame(await exportedCosts(join(folder, 'made', format)), truth.costs, format);
    }
  });

  await t.test('to stdout, from several files and a glob', async (t) => {
    const [several, glob, version] = await Promise.all([
      run('few.csv', 'bad.csv'),
      run('f*.csv', '--format', 'ndjson', '--json'),
      run('few.csv', '--focus', '1.4'),
    ]);
    ends(t, several, 0, /5 rows read \(focus 1\.0\) → 3 charges written as FOCUS 1\.2 csv/);
    t.equal(billed(rowsOf(several.stdout)), '7.5');
    t.match(several.stderr, /BilledCost +in 15\.5 = out 7\.5 \+ rejected 8 +conserved/);
    t.match(
      several.stderr,
      /rejected: invalid_number 1, invalid_time 1\n.*bad\.csv, row 2, BilledCost: /,
    );
    t.equal(glob.stdout.trim().split('\n').length, 2);
    t.equal(JSON.parse(glob.stderr).costs.BilledCost.in, '3.5', 'the account is beside the data');
    t.ok(version.stdout.split('\n')[0]?.split(',').includes('ServiceProviderName'));
  });

  await t.test('what is rejected', async (t) => {
    const [kept, strict] = await Promise.all([
      run('bad.csv', '-o', 'ok.csv', '--rejected', 'rejected.ndjson', '--json'),
      run('bad.csv', '-o', 'strict.csv', '--strict'),
    ]);
    ends(t, kept, 0);
    ends(t, strict, 1);
    const lines = readFileSync(join(folder, 'rejected.ndjson'), 'utf8').trim().split('\n');
    t.match(
      lines.map((line) => JSON.parse(line)),
      [
        { path: /bad\.csv$/, row: 2, column: 'BilledCost', reason: 'invalid_number', raw: /x/ },
        { path: /bad\.csv$/, row: 3, column: 'ChargePeriodStart', reason: 'invalid_time' },
      ],
    );
    t.match(JSON.parse(kept.stdout), {
      rows: { read: 3, written: 1, rejected: 2 },
      rejected: { invalid_number: 1, invalid_time: 1 },
      costs: { BilledCost: { in: '12', out: '4', rejected: '8' } },
      firstRejected: { length: 2 },
    });
  });

  await t.test('an amount that a Parquet file has no room for', async (t) => {
    put(folder, 'huge.csv', focusCsv([1, focusRow('1e14'), 2.5]));
    const [parquet, csv] = await Promise.all([
      run('huge.csv', '-o', 'huge.parquet', '--json'),
      run('huge.csv', '-o', 'huge-out.csv', '--json'),
    ]);
    ends(t, parquet, 0);
    t.match(JSON.parse(parquet.stdout), {
      rows: { read: 3, written: 2, rejected: 1 },
      rejected: { amount_too_large: 1 },
      costs: { BilledCost: { in: '100000000000003.5', out: '3.5', conserved: true } },
      firstRejected: [{ row: 2, column: 'BilledCost', message: /Parquet/ }],
    });
    t.match(JSON.parse(csv.stdout), { rows: { written: 3, rejected: 0 } });
  });

  await t.test('what cannot be converted', async (t) => {
    put(folder, 'before.csv', 'what was here');
    const itself = readFileSync(join(folder, 'few.csv'), 'utf8');
    put(folder, 'title.csv', `Costs of September\n\n${itself}`);
    put(folder, 'summary.csv', 'Service,Storage($),Total costs($)\nService total,1,1\n');
    const [missing, empty, some, stdout, format, mapping, set, output, same, title, summary] =
      await Promise.all([
        run('nowhere.csv', '-o', 'x.csv'),
        run('empty.csv', '-o', 'before.csv'),
        run('empty.csv', 'few.csv', '-o', 'some.csv'),
        run('few.csv', '--format', 'parquet'),
        run('few.csv', '-o', 'x.csv.gz'),
        run('few.csv', '-o', 'x.csv', '--mapping', 'aws-cur'),
        run('few.csv', '-o', 'x.csv', '--set', 'aws-cur.splitrows=off'),
        run('few.csv', '-o', 'bills'),
        run('few.csv', '-o', 'few.csv'),
        run('title.csv', '-o', 'titled.csv', '--json'),
        run('summary.csv', '-o', 'x.csv'),
      ]);
    ends(t, missing, 1, /nowhere\.csv: there is no such file/);
    ends(t, empty, 1, /empty\.csv: empty file\n.*nothing was written/);
    t.equal(readFileSync(join(folder, 'before.csv'), 'utf8'), 'what was here');
    ends(t, some, 1, /empty\.csv: empty file\n2 rows read/);
    t.equal(
      billed(rowsOf(readFileSync(join(folder, 'some.csv'), 'utf8'))),
      '3.5',
      'the rest goes on',
    );
    ends(t, stdout, 2, /stdout\n +name a file/);
    ends(t, format, 2, /compressed output/);
    ends(t, mapping, 1, /as aws-cur it lacks the columns line_item/);
    ends(t, set, 2, /there is no such setting\n +known: .*aws-cur\.split_rows=off\|allocate/);
    ends(t, same, 2, /few\.csv is one of the bills\n +name another file/);
    t.equal(readFileSync(join(folder, 'few.csv'), 'utf8'), itself, 'the bill stays as it is');
    ends(t, title, 0);
    t.match(JSON.parse(title.stdout), { rows: { rejected: 0 }, repairs: { title_line: 1 } });
    ends(t, summary, 1, /fit no known bill .*download of AWS Cost Explorer/);
    ends(t, output, 2, /bills is a folder/);
    t.notOk(existsSync(join(folder, 'x.csv')));
    t.strictSame(
      readdirSync(folder).filter((name) => name.startsWith('.')),
      [],
      'nothing is left over',
    );
  });
});

t.test('nobody reads on', async (t) => {
  const folder = t.testdir({ 'long.csv': focusCsv(Array.from({ length: 20_000 }, () => 1)) });
  for (const args of [
    ['convert', 'long.csv'],
    ['check', 'long.csv', 'long.csv', '--json'],
  ]) {
    const child = startFocusd(t, args, { cwd: folder });
    child.closeStdout();
    const { code, stderr } = await child.ended;
    t.notMatch(stderr, /EPIPE|at /, `${args[0]}: no stack`);
    t.equal(code, 141, `${args[0]}: as if SIGPIPE had ended it`);
  }
});

t.test('bills without a currency, and in several', async (t) => {
  const folder = t.testdir({
    'bare.csv': focusCsv([1, 2]).replace('BillingCurrency', 'Money'),
    'euro.csv': focusCsv([4]).replace('USD', 'EUR'),
  });
  const run = (...args: string[]): Promise<Ran> => focusd(t, ['convert', ...args], { cwd: folder });
  const [bare, named, twice, unknown] = await Promise.all([
    run('bare.csv'),
    run('--set', 'focus.currency=CHF', 'bare.csv', 'euro.csv'),
    run('--set', 'focus.currency=CHF', '--set', 'aws-cur.currency=USD', 'bare.csv'),
    run('--set', 'focus.currency=Franken', 'bare.csv'),
  ]);
  ends(t, bare, 1, /lacks the column BillingCurrency \(.*--set focus\.currency=EUR\)/);
  ends(t, named, 0, /repaired: .*billing_currency_missing 2/);
  t.match(named.stderr, /2 currencies, added up as they stand: CHF, EUR/);
  t.strictSame(
    rowsOf(named.stdout).map(({ BillingCurrency }) => BillingCurrency),
    ['CHF', 'CHF', 'EUR'],
  );
  ends(t, twice, 0);
  t.notMatch(twice.stderr, /currencies/);
  ends(t, unknown, 2, /not one of its values/);
});

t.test('check', async (t) => {
  const folder = worldFolder(t, {}, { 'empty.csv': '' });
  await bill(folder, { provider: 'azure', rows: 30 });
  put(folder, 'poor.csv', focusCsv([1]));
  const good = join(folder, 'bills/azure-2026-09.csv');
  put(folder, 'invoice.csv', 'Date,Text,Amount\n2026-09-01,Hosting,5\n');
  const [fine, poor, several, missing, foreign] = await Promise.all(
    [
      [good],
      ['poor.csv'],
      ['bills', 'empty.csv', 'poor.csv', '--json'],
      ['nowhere.csv'],
      ['invoice.csv'],
    ].map((args) => focusd(t, ['check', ...args], { cwd: folder })),
  );
  t.match(foreign, { code: 1, stdout: /none of its columns is one of FOCUS.*focusd convert/ });
  t.notMatch(foreign?.stdout, /must be there/, 'what it lacks is everything');
  t.equal(fine?.code, 0);
  t.match(poor, { code: 1, stdout: /error .*PricingQuantity/ });
  t.equal(several?.code, 1);
  t.match(JSON.parse(several?.stdout ?? ''), [
    { file: /azure-2026-09\.csv$/, ok: true, version: '1.2', rows: 30 },
    { file: 'empty.csv', ok: false, error: /empty/ },
    { file: 'poor.csv', ok: false },
  ]);
  t.match(missing, { code: 1, stderr: /nowhere\.csv: there is no such file/ });
});

t.test('run --once, --dry-run and audit', async (t) => {
  const folder = worldFolder(t);
  const truth = await bill(folder, { provider: 'azure' });
  const run = (...args: string[]): Promise<Ran> =>
    focusd(t, [...args, '-c', 'focusd.yaml'], { cwd: folder });

  const before = Object.keys(filesBelow(folder));
  const [none, dry] = await Promise.all([run('audit'), run('run', '--once', '--dry-run')]);
  ends(t, none, 2, /there is no state in .*\n +run the agent/);
  ends(t, dry, 0);
  t.match(
    dry.stdout,
    new RegExp(`BilledCost +read ${truth.costs.BilledCost.replace('.', '\\.')} = exported`),
  );
  t.match(dry.stdout, /Dry run: nothing was sent to file\/csv, nothing was stored/);
  t.strictSame(Object.keys(filesBelow(folder)), before, 'nothing was written');

  ends(
    t,
    await run('run', '--once'),
    0,
    /"committed":1,"known":0,"refusedParts":0,"message":"everything there was/,
  );
  t.strictSame(committedCosts(folder), truth.costs);
  t.match(await run('audit'), { code: 0, stdout: /: equal\n1 of 1 committed deliveries/ });

  await t.test('a total that was tampered with', async (t) => {
    const database = new DatabaseSync(join(folder, 'state/state/state.sqlite'));
    const [row] = database.prepare('SELECT rowid, billed FROM totals LIMIT 1').all();
    const by = String(row?.billed);
    database
      .prepare('UPDATE totals SET billed = ? WHERE rowid = ?')
      .run('999999.5', Number(row?.rowid));
    const [text, json] = await Promise.all([run('audit'), run('audit', '--json')]);
    t.equal(text.code, 1);
    t.match(
      text.stdout,
      new RegExp(
        `different\\n.*BilledCost committed 999999\\.5, derived ${by.replace('.', '\\.')} `,
      ),
    );
    t.match(JSON.parse(json.stdout), [
      {
        result: 'different',
        differences: [{ column: 'BilledCost', committed: '999999.5', derived: by }],
      },
    ]);
    database.prepare('UPDATE totals SET billed = ? WHERE rowid = ?').run(by, Number(row?.rowid));
    database.close();
  });

  await t.test('the audit chain', async (t) => {
    const [whole, entries] = await Promise.all([
      run('audit', 'verify', '--json'),
      run('audit', 'log', '--json'),
    ]);
    ends(t, whole, 0);
    const { head } = JSON.parse(whole.stdout);
    t.match(
      entries.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        { kind: 'agent.started', about: { configuration: /^[0-9a-f]{64}$/ } },
        { kind: 'delivery.committed', about: { costs: truth.costs, rows: { read: truth.rows } } },
        { kind: 'agent.stopped' },
      ],
    );
    const database = new DatabaseSync(join(folder, 'state/state/state.sqlite'));
    t.teardown(() => database.close());
    database.exec('UPDATE totals SET billed = billed + 1 WHERE rowid = 1');
    const [none, stray, cut, when] = await Promise.all([
      run('audit', 'log', '--since', '2199-01-01'),
      run('audit', 'verify', '--head', head),
      run('audit', 'verify', '--head', 'f00'),
      run('audit', 'log', '--since', 'later'),
    ]);
    t.match(none, { code: 0, stdout: '' });
    t.match(stray, { code: 1, stdout: /BilledCost is \S+, the chain says \S+\n3 entries/ });
    t.match(cut, { code: 1, stdout: /no entry has the hash f00/ });
    ends(t, when, 2, /--since later is no time/);
    database.exec('UPDATE totals SET billed = billed - 1 WHERE rowid = 1');
    database.exec(
      'DROP TRIGGER audit_no_update; UPDATE audit SET entry = replace(entry, \'"read":\', \'"read":1\') WHERE sequence = 2',
    );
    t.match(await run('audit', 'verify'), {
      code: 1,
      stdout: /^entry 2 is broken: its text is not the one that was hashed\n1 entries before/,
    });
  });

  await t.test('a raw file that was tampered with', async (t) => {
    const path = join(folder, 'bills/azure-2026-09.csv');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/,842\.19,/, ',942.19,'));
    const ran = await run('audit');
    t.equal(ran.code, 1);
    t.match(
      ran.stdout,
      /different\n.*azure-2026-09\.csv was changed after it was read\n.*BilledCost committed .*\(100\)/,
    );
    rmSync(path);
    const gone = await run('audit');
    t.equal(gone.code, 1);
    t.match(gone.stdout, /cannot be read again: .* is gone/);
  });

  await t.test('a bill that cannot be read', async (t) => {
    put(folder, 'bills/torn.csv.gz', 'no gzip at all, and no bill');
    put(folder, 'bills/fine.csv', focusCsv([5]));
    const ran = await run('run', '--once');
    t.equal(ran.code, 1);
    t.match(ran.stderr, /"message":"part set aside"/);
    t.equal(
      committedCosts(folder).BilledCost,
      formatDecimal(sum([decimal('5'), decimal(truth.costs.BilledCost)])),
    );
  });
});

t.test('generate: the same seed gives the same bytes', async (t) => {
  const folder = t.testdir();
  const make = (name: string, ...args: string[]): Promise<Ran> =>
    focusd(t, ['generate', name, '--provider', 'all', '--rows', '30', '--json', ...args], {
      cwd: folder,
    });
  const [one, , other, faulty] = await Promise.all([
    make('one', '--seed', '5'),
    make('two', '--seed', '5'),
    make('other', '--seed', '6'),
    focusd(t, ['generate', 'faulty', '--format', 'parquet', '--faults', '2'], { cwd: folder }),
  ]);
  t.match(JSON.parse(one?.stdout ?? ''), [
    { provider: 'aws', rows: 30 },
    {},
    {},
    {},
    { provider: 'focus' },
  ]);
  t.strictSame(filesBelow(join(folder, 'one')), filesBelow(join(folder, 'two')));
  t.strictSame(
    Object.keys(filesBelow(join(folder, 'other'))),
    Object.keys(filesBelow(join(folder, 'one'))),
  );
  t.notSame(filesBelow(join(folder, 'other')), filesBelow(join(folder, 'one')));
  t.match(other?.code, 0);
  t.match(faulty, { code: 2, stderr: /--faults goes with text formats only\n +\w/ });
});

t.test('demo', async (t) => {
  const root = t.testdir({ here: {}, temporary: {} });
  const [folder, TMPDIR] = [join(root, 'here'), join(root, 'temporary')];
  const ran = await focusd(t, ['demo', '--rows', '400', '--folder', 'demo'], {
    cwd: folder,
    env: { TMPDIR },
  });
  t.equal(ran.code, 0);
  t.equal(ran.stderr, '', 'nothing that a newcomer must judge');
  for (const said of [
    /Provider\n +AWS/,
    /Owner\n/,
    /Restated\n +cur2/,
    /Rejected \(dead letters\)\n +invalid_/,
    /conserved\n/,
    /rows\/s/,
    /Try next/,
  ])
    t.match(ran.stdout, said);
  t.notMatch(ran.stdout, /NOT CONSERVED/);
  t.strictSame(readdirSync(folder), ['demo']);
  t.strictSame(readdirSync(TMPDIR), [], 'nothing is left in the temporary folder');
  const audit = await focusd(t, ['audit', '-c', 'demo/focusd.yaml'], { cwd: folder });
  t.match(audit, { code: 0, stdout: /4 of 4/ });
});

t.test('demo --serve', async (t) => {
  const folder = t.testdir();
  const running = startFocusd(t, ['demo', '--serve', '--rows', '200', '--folder', 'demo'], {
    cwd: folder,
  });
  const told = await running.wrote(/Ctrl-C ends it/);
  const urls = [...told.matchAll(/curl -s (http:\S+)/g)].map(([, url = '']) => url);
  t.equal(urls.length, 2);
  const [status, page] = await Promise.all(
    urls.map(async (url) => await (await fetch(url)).text()),
  );
  t.match(JSON.parse(status ?? ''), { status: 'ok' });
  t.match(page, /focusd_deliveries_total/);
  t.match(told, /What the agent knows now[\s\S]*Restated/);
  running.kill('SIGTERM');
  t.equal((await running.ended).code, 0);
});
