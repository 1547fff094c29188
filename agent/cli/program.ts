import { Command, Option } from 'commander';
import { version } from '../version.ts';
import { configOption } from './config-option.ts';
import { addExamples } from './examples.ts';
import { addOperating } from './operating.ts';

const EXAMPLES = `
Examples:
  focusd demo                                  bundled bills in, a report and OTLP files out; no server needed
  focusd run -c focusd.yaml                    run the agent; stop with Ctrl-C, nothing is lost
  focusd run -c focusd.yaml --once --dry-run   read everything once, send nothing, show what would be sent
  focusd validate -c focusd.yaml               every problem of a configuration at once
  focusd convert cur.csv.gz -o focus.parquet   any bill to FOCUS
  focusd check focus.csv                       does a file keep the FOCUS specification?`;

/** All commands. Each loads its own code only when it is called, so that `--version` is quick. */
export function buildProgram(): Command {
  const program = new Command('focusd')
    .description(
      'The FOCUS daemon: turns what infrastructure costs into OpenTelemetry metrics and logs.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help; also: focusd COMMAND --help')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(focusd --help shows what there is)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false });
  program.enablePositionalOptions();
  addRunning(program);
  addOperating(program);
  addProof(program);
  addDeadLetters(program);
  addCatalog(program);
  addFiles(program);
  addExamples(program);
  return program;
}

/** Commands around a running agent. */
function addRunning(program: Command): void {
  program
    .command('run')
    .description('Run the agent.')
    .addOption(configOption())
    .option('--once', 'read what is there now, send it, then end')
    .option(
      '--dry-run',
      'read and total, but send and store nothing; shows a report (implies --once)',
    )
    .action(async (options) => (await import('./run.ts')).run(options));
  program
    .command('demo')
    .description(
      'Run the agent on bundled demo bills: report in the terminal, OTLP in a folder, no server needed.',
    )
    .option('--serve', 'keep running, with health and metrics on loopback')
    .option(
      '--folder <folder>',
      'where bills, output and state go (default: a new folder below the system temporary folder)',
    )
    .option('--rows <number>', 'rows of the largest bill', '20000')
    .action(async (options) => (await import('./demo.ts')).demo(options));
  program
    .command('validate')
    .description('Check a configuration; every problem at once, with its place and a hint.')
    .addOption(configOption())
    .option('--print', 'print the checked configuration with all defaults, secrets masked')
    .action(async (options) => (await import('./validate.ts')).validate(options));
  program
    .command('plugins')
    .description('List the receivers, processors, exporters, extensions and mappings there are.')
    .addOption(configOption().default(undefined))
    .option('--json', 'for machines')
    .argument('[type]', 'show the settings of one')
    .action(async (type, options) => (await import('./plugins.ts')).plugins(type, options));
  program
    .command('test-receiver')
    .description(
      'Connect to the source of a receiver: what it sees, what it would read, what is missing. Reads no charge, stores nothing.',
    )
    .argument('<name>', 'receiver, as in the configuration: type or type/name')
    .addOption(configOption())
    .option('--json', 'for machines')
    .action(async (name, options) =>
      (await import('./test-receiver.ts')).testReceiver(name, options),
    );
}

/** Commands that show that the money is all there. */
function addProof(program: Command): void {
  const audit = program
    .command('audit')
    .description(
      'Derive every committed total again from the raw parts and name any difference, to the last decimal.',
    )
    .enablePositionalOptions()
    .addOption(configOption())
    .option('--json', 'for machines')
    .action(async (options) => (await import('./audit.ts')).audit(options));
  audit
    .command('verify')
    .description('Walk the audit chain and name the first entry that does not hold.')
    .addOption(configOption())
    .option('--head <hash>', 'a head that was noted earlier: it must be in the chain')
    .option('--json', 'for machines')
    .action(async (options) => (await import('./audit-trail.ts')).verify(options));
  audit
    .command('log')
    .description('Show the audit chain: commits, restatements, dead letters, configurations.')
    .addOption(configOption())
    .option('--since <time>', 'from this time on, UTC')
    .option('--json', 'for machines: the entries as they were hashed')
    .action(async (options) => (await import('./audit-trail.ts')).log(options));
}

const LETTERS = {
  list: 'Count dead letters by delivery and reason, with what they cost.',
  show: 'Show dead letters: file, row, column, reason, the row as it stood.',
  replay:
    'Have their deliveries read again at the next start of the agent; they take their own place.',
  drop: 'Remove dead letters for good; not while an agent runs.',
} as const;

/** What was refused, and what can be done about it. */
function addDeadLetters(program: Command): void {
  const letters = program
    .command('deadletters')
    .description('Rows, files and batches that were refused.');
  for (const [name, description] of Object.entries(LETTERS)) {
    const command = letters
      .command(name)
      .description(description)
      .addOption(configOption())
      .option('--receiver <id>', 'only of this receiver')
      .option('--scope <scope>', 'only of this scope')
      .option('--delivery <id>', 'only of this delivery')
      .action(async (options) =>
        (await import('./deadletters.ts'))[name as keyof typeof LETTERS](options),
      );
    if (name === 'drop') command.option('--yes', 'yes, for good');
    else command.option('--reason <code>', 'only with this reason');
    if (name === 'list' || name === 'show') command.option('--json', 'for machines');
  }
}

const CATALOG = {
  list: 'The price lists that were read: prices in force, when published, when read.',
  show: 'Prices of a SKU that are in force.',
  history: 'Every price and name that a SKU ever had.',
  charged: 'SKUs that bills charged, and what the price lists say of them.',
} as const;

/** Looks into the price catalog; may be called while the agent runs. */
function addCatalog(program: Command): void {
  const catalog = program
    .command('catalog')
    .description('Prices that the extension catalog has taken in.');
  for (const [name, description] of Object.entries(CATALOG)) {
    const command = catalog.command(name).description(description);
    if (name === 'show' || name === 'history')
      command.argument('<sku>', 'SKU, or id of a price (rate code, meter)');
    command
      .addOption(configOption())
      .option('--id <id>', 'extension, as in the configuration', 'catalog')
      .option('--json', 'for machines')
      .action(async (...given) => {
        const commands = await import('./catalog.ts');
        if (name === 'list' || name === 'charged') await commands[name](given[0]);
        else await commands[name as 'show' | 'history'](given[0], given[1]);
      });
    if (name === 'charged')
      command.addOption(
        new Option('--result <result>', 'only with this result').choices([
          'known',
          'unknown',
          'renamed',
          'price_differs',
        ]),
      );
  }
}

/** Commands on files. */
function addFiles(program: Command): void {
  program
    .command('convert')
    .description(
      'Convert bills to FOCUS. Data goes to a file or stdout, the account of rows and money to stderr.',
    )
    .argument('<in...>', 'bills, folders or globs: CSV, NDJSON, Parquet, compressed or not')
    .option('-o, --output <file>', 'file to write (default: stdout; Parquet needs a file)')
    .option(
      '--mapping <name>',
      'mapping of the files: auto, focus, aws-cur, azure-cost, gcp-billing, oci-cost-report or another that focusd plugins lists',
      'auto',
    )
    .addOption(
      new Option('--focus <version>', 'FOCUS version to write')
        .choices(['1.2', '1.3', '1.4'])
        .default('1.2'),
    )
    .addOption(
      new Option(
        '--format <format>',
        'format to write (default: by the name of the output, else csv)',
      ).choices(['csv', 'ndjson', 'parquet']),
    )
    .option(
      '--plugin <package>',
      'package or module that brings mappings, looked for from the working folder; may be given again',
      again,
    )
    .option(
      '--set <mapping.setting=value>',
      'setting of a mapping, for example focus.currency=EUR (focusd plugins normalize shows them); may be given again',
      again,
    )
    .option('--rejected <file>', 'write rejected rows there, NDJSON with reasons')
    .option('--strict', 'exit with 1 when a row was rejected')
    .option('--workers <number>', 'worker threads (default: one per core)')
    .option(
      '--json',
      'write the account as JSON (to stdout when --output is given, else to stderr)',
    )
    .action(async (files, options) => (await import('./convert.ts')).convert(files, options));
  program
    .command('check')
    .description(
      'Check files against the rules of the FOCUS specification. Exit code 1 when one is broken.',
    )
    .argument('<file...>', 'FOCUS files, folders or globs: CSV, NDJSON, Parquet, compressed or not')
    .addOption(
      new Option(
        '--focus <version>',
        'version to check against (default: found by the columns)',
      ).choices(['1.0', '1.1', '1.2', '1.3', '1.4']),
    )
    .option('--strict', 'conditional columns that are absent count as errors')
    .option('--json', 'for machines')
    .action(async (files, options) => (await import('./check.ts')).check(files, options));
  program
    .command('generate')
    .description(
      'Write synthetic bills with known truth: totals, commitments, credits, refunds, restatements, faults.',
    )
    .argument('<folder>', 'folder to write to')
    .addOption(
      new Option('--provider <name>', 'whose bill')
        .choices(['aws', 'aws-legacy', 'azure', 'gcp', 'focus', 'all'])
        .default('aws'),
    )
    .addOption(
      new Option('--format <format>', 'file format')
        .choices(['csv', 'csv.gz', 'csv.zst', 'ndjson', 'ndjson.gz', 'parquet'])
        .default('csv.gz'),
    )
    .option('--rows <number>', 'rows', '100000')
    .option('--seed <number>', 'same seed, same bytes', '1')
    .option('--month <YYYY-MM>', 'billing month', '2026-10')
    .option('--revisions <number>', 'revisions of the month; later ones restate charges', '1')
    .option('--faults <number>', 'broken rows to put in', '0')
    .option('--parts <number>', 'files the bill is split into', '1')
    .option('--json', 'print the truth as JSON (it is also written beside the bill, truth.json)')
    .action(async (folder, options) => (await import('./generate.ts')).generate(folder, options));
}

/** An option that may be given again: all its values. */
function again(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
