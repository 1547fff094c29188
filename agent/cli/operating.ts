import type { Command } from 'commander';
import { configOption } from './config-option.ts';

/** Commands for whoever runs an agent. */
export function addOperating(program: Command): void {
  program
    .command('top')
    .description(
      'Show the running agent, live: components, rows per second, what waits, deliveries under way, age of the data.',
    )
    .addOption(configOption())
    .option('--url <url>', 'debug pages of the agent (default: those of the configuration)')
    .option('--once', 'show it once, as text; so it is where no terminal is')
    .option('--json', 'everything that is known, once, for machines')
    .option('--interval <duration>', 'pause between two looks', '2s')
    .addHelpText(
      'after',
      `
It asks the extension debug, which listens on this machine only:
  extensions: { debug: {} }
  service: { extensions: [debug] }
The same as pages for a browser: http://127.0.0.1:13134/debug`,
    )
    .action(async (options) => (await import('./top.ts')).top(options));
  program
    .command('support')
    .description(
      'Write a support bundle: versions, configuration, deliveries, dead letters by reason, audit head, log, metrics. No charge, no secret.',
    )
    .addOption(configOption())
    .option(
      '-o, --output <path>',
      'a .tar.gz, or a folder (default: focusd-support-<time>.tar.gz here)',
    )
    .addHelpText(
      'after',
      `
It works while the agent runs and when it does not. What a running agent alone knows is asked of its extension debug.`,
    )
    .action(async (options) => (await import('./support.ts')).support(options));
  program
    .command('explain')
    .description(
      'Show the whole way of one charge: file and row, the rule of each column, repairs, owner, the total it is in.',
    )
    .argument('<uid>', 'id of the charge: log.record.uid of its log record')
    .addOption(configOption())
    .option('--json', 'for machines')
    .action(async (uid, options) => (await import('./explain.ts')).explain(uid, options));
  program
    .command('tap')
    .description('Show charges of committed deliveries that fit a filter, with their ids.')
    .addOption(configOption())
    .option(
      '-w, --where <condition...>',
      'COLUMN=VALUE, also != < <= > >=, and ~ for a part of a text; all must hold',
    )
    .option('--receiver <id>', 'only of this receiver')
    .option('--scope <scope>', 'only of this scope')
    .option('-n, --limit <number>', 'most charges', '20')
    .option('--every <number>', 'of the charges that fit, every so many-th', '1')
    .option('-f, --follow', 'charges that are committed from now on, until Ctrl-C')
    .option('--json', 'whole charges, one JSON object per line')
    .addHelpText(
      'after',
      `
It reads the raw files of the newest deliveries again, beside the agent: that one does nothing for it, running or not.`,
    )
    .action(async (options) => (await import('./tap.ts')).tap(options));
  program
    .command('probe')
    .description(
      'Find out what the backend of an exporter takes, with throw-away records named focusd.probe: temporality, age, sizes.',
    )
    .argument('<name>', 'exporter, as in the configuration: type or type/name')
    .addOption(configOption())
    .option('-o, --output <file>', 'write what was found there too, JSON')
    .option('--json', 'for machines')
    .action(async (name, options) => (await import('./probe.ts')).probe(name, options));
}
