import { type Clock, defineReceiver } from '../../../pipelines/plugin/contract.ts';
import { tableBills } from './table-bills.ts';
import { projectName, tableName } from './table-name.ts';
import { ANONYMOUS, googleTokens } from './tokens.ts';

export default defineReceiver({
  type: 'gcp-billing',
  summary:
    'Google Cloud bills from BigQuery: the detailed, standard and FOCUS exports, month by month.',
  stability: 'beta',
  config: {
    table: {
      doc: 'Table of the export, as `project.dataset.table`.',
      format: 'text',
    },
    project: {
      doc: 'Project that pays for the queries; the one of the table unless it is named.',
      format: 'text',
      default: null,
    },
    location: {
      doc: 'Where the dataset lies, such as `EU` or `europe-west4`; BigQuery finds it out unless it is named.',
      format: 'text',
      default: null,
    },
    look_back: {
      doc: 'Months before the current one that the first look reads. Later, every month that gets new rows is read again.',
      format: 'int',
      default: 2,
      max: 120,
    },
    interval: {
      doc: 'Pause between two looks; up to a tenth is added at random.',
      format: 'duration',
      default: '1h',
      min: '1m',
    },
    maximum_bytes_billed: {
      doc: 'Most that one query may read; it is not run when it would read more.',
      format: 'bytes',
      default: '20GiB',
      min: '10MiB',
    },
    credentials_file: {
      doc: 'Service account key or workload identity configuration; the Application Default Credentials of the machine unless it is named.',
      format: 'path',
      default: null,
    },
    anonymous: {
      doc: 'Asks without credentials, for an emulator.',
      format: 'flag',
      default: false,
    },
    endpoint: {
      doc: 'Base URL of the BigQuery API.',
      format: 'url',
      default: 'https://bigquery.googleapis.com/bigquery/v2',
    },
  },

  async *receive({ config, clock, folder, http, log, once, signal }, cursor) {
    const table = tableName(config.table);
    const tokens = config.anonymous ? ANONYMOUS : googleTokens(config.credentials_file);
    const settings = {
      table,
      project: projectName(config.project ?? table.project),
      location: config.location,
      endpoint: config.endpoint,
      maximumBytesBilled: config.maximum_bytes_billed,
      lookBack: config.look_back,
      folder,
    };
    const bills = tableBills({ http, clock, log, signal, tokens }, settings, cursor);
    while (!signal.aborted) {
      yield* bills.look();
      if (once) return;
      await pause(clock, config.interval, signal);
    }
  },
});

/** Many agents do not ask at the same moment. Ends with the signal. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const jittered = Math.round(ms * (1 + Math.random() / 10));
  await clock.sleep(jittered, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
