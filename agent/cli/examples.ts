import type { Command } from 'commander';

/** What `--help` of each command shows at its end: a line to type, and what it is for. */
const EXAMPLES: Readonly<Record<string, readonly (readonly [line: string, why: string])[]>> = {
  run: [
    ['focusd run -c focusd.yaml', 'until Ctrl-C, SIGTERM; SIGHUP takes over a changed file'],
    ['focusd run --once', 'one round, for cron'],
    ['focusd run --dry-run', 'what would be sent, sending and storing nothing'],
  ],
  validate: [
    ['focusd validate -c focusd.yaml', 'exit code 2 names every problem'],
    ['focusd validate --print > full.yaml', 'every setting with its value, secrets masked'],
  ],
  plugins: [
    ['focusd plugins', 'what there is, with its stability'],
    ['focusd plugins otlp', 'the settings of one'],
  ],
  'test-receiver': [
    ['focusd test-receiver aws-data-exports', 'which bills it finds, which permission it lacks'],
  ],
  demo: [
    ['focusd demo', 'a report, and OTLP files to look at'],
    ['focusd demo --serve', 'health on 127.0.0.1:13133, Prometheus on 127.0.0.1:8888'],
  ],
  top: [
    ['focusd top', 'live, until Ctrl-C'],
    ['focusd top --once', 'as text, for a ticket'],
    ['focusd top --json | jq .scopes', 'for scripts'],
  ],
  probe: [
    ['focusd probe otlp', 'what is taken, and the settings that keep to it'],
    ['focusd probe otlp/loki -o loki.json', 'kept for the next time'],
  ],
  explain: [
    ['focusd explain 0f3a…-91bc…', 'why is it billed like this?'],
    ['focusd explain UID --json | jq .rules.EffectiveCost', 'one column'],
  ],
  tap: [
    ['focusd tap', 'some charges of the newest bill'],
    ["focusd tap -w 'ServiceName~storage' 'EffectiveCost>100'", 'both must hold'],
    ['focusd tap -w owner= --every 100', 'a sample of what nobody owns'],
    ['focusd tap --follow --json | jq .charge', 'as bills come in'],
  ],
  support: [
    ['focusd support', 'an archive to send'],
    ['focusd support -o bundle', 'a folder to look at first'],
  ],
  audit: [
    ['focusd audit', 'every total derived again; exit code 1 when one differs'],
    ['focusd audit verify --head HASH', 'the chain still holds the head noted last month'],
    ['focusd audit log --since 2026-11-01', 'what was committed, restated, dropped'],
  ],
  deadletters: [
    ['focusd deadletters list', 'how many, by delivery and reason, and what they cost'],
    ['focusd deadletters show --reason invalid_number', 'one kind of them'],
    ['focusd deadletters show --receiver files', 'file, row, column and the row as it stood'],
    ['focusd deadletters replay', 'after the cause is mended'],
  ],
  catalog: [
    ['focusd catalog list', 'which price lists were read, and when'],
    ['focusd catalog history TG3M4CAGBA3NYQBH', 'every price and name that a SKU had'],
    ['focusd catalog charged --result unknown', 'SKUs of the bills that no list has'],
  ],
  convert: [
    ['focusd convert cur.csv.gz -o focus.parquet', 'one file, with the account of its money'],
    ["focusd convert 'bills/*.csv' --focus 1.3 > focus.csv", 'several into one'],
    ['focusd convert bill.csv --strict --rejected bad.ndjson -o out.csv', 'for scripts'],
  ],
  check: [
    ['focusd check focus.csv', 'against the version its columns show'],
    ['focusd check bills/ --focus 1.2 --json', 'for machines'],
  ],
  generate: [
    ['focusd generate bills --rows 1000000 --format parquet', 'a CUR 2.0 with known totals'],
    ['focusd generate bills --revisions 2 --faults 10', 'restated, and with broken rows'],
  ],
};

/** Gives each command its examples. */
export function addExamples(program: Command): void {
  for (const command of program.commands) {
    const lines = EXAMPLES[command.name()] ?? [];
    if (lines.length > 0) command.addHelpText('after', `\nExamples:\n${columns(lines)}`);
  }
}

function columns(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([line]) => line.length));
  return lines.map(([line, why]) => `  ${line.padEnd(width)}  # ${why}`).join('\n');
}
