import { defineExporter, type Sink } from '../../../pipelines/plugin/index.ts';
import { formatTotals } from './format-totals.ts';

export default defineExporter({
  type: 'console',
  summary: 'Period totals by provider, service and owner as a table in the terminal.',
  stability: 'stable',
  config: {
    verbosity: {
      doc: 'summary: rounded, the largest of each; detailed: everything, to the last digit.',
      format: 'choice',
      values: ['summary', 'detailed'],
      default: 'summary',
    },
    periods: {
      doc: 'Newest billing periods shown.',
      format: 'int',
      default: 3,
      min: 1,
    },
  },

  async open({ config }, totals): Promise<Sink> {
    const detailed = config.verbosity === 'detailed';
    let printed: number | undefined;
    return {
      async flush() {
        if (printed === totals.version) return;
        printed = totals.version;
        const table = formatTotals(totals.totals(), {
          exact: detailed,
          top: detailed ? Number.POSITIVE_INFINITY : 10,
          periods: config.periods,
          ...terminal(),
        });
        process.stdout.write(`${table}\n`);
      },
      async close() {},
    };
  },
});

/** The one output that is not reached through the context: what this exporter is for. */
function terminal(): { readonly width?: number; readonly color: boolean } {
  const { isTTY, columns } = process.stdout;
  const color = isTTY === true && process.env.NO_COLOR === undefined;
  return isTTY === true && columns > 0 ? { width: columns, color } : { color };
}
