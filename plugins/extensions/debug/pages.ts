import type { AgentView, Inspection } from '../../../pipelines/plugin/index.ts';
import { readableBytes, readableCount, readableDuration } from '../../kit/readable.ts';
import type { Page } from '../../kit/serve-pages.ts';
import { type Section, shownPage } from './html.ts';

/** Part of what is known of the agent, for people and for machines. */
interface View {
  readonly title: string;
  readonly sections: (inspection: Inspection) => readonly Section[];
  readonly json: (inspection: Inspection) => unknown;
}

/** The page of a path; with `.json` behind it for machines. */
export function pageOf(path: string, agent: Pick<AgentView, 'inspect'>): Page {
  if (path === '/') return pageOf('/debug', agent);
  const asked = /^\/debug(?:\/([a-z]+))?(\.json)?$/.exec(path);
  const name = asked?.[1] ?? '';
  const view = asked !== null && Object.hasOwn(VIEWS, name) ? VIEWS[name] : undefined;
  if (view === undefined) return { status: 404, body: NOT_FOUND };
  const inspection = agent.inspect();
  if (asked?.[2] !== undefined) return { status: 200, body: view.json(inspection) };
  const { title, sections } = view;
  const pages = Object.entries(VIEWS).map(([other, { title }]) => [other, title] as const);
  return { status: 200, html: shownPage({ name, title, pages, sections: sections(inspection) }) };
}

const VIEWS: Readonly<Record<string, View>> = {
  '': {
    title: 'Agent',
    sections: (all) => [agent(all), ...components(all), ...traffic(all), ...underWay(all)],
    json: (all) => all,
  },
  components: { title: 'Components', sections: components, json: ({ components: all }) => all },
  traffic: {
    title: 'Traffic',
    sections: traffic,
    json: ({ receivers, exporters, queues }) => ({ receivers, exporters, queues }),
  },
  deliveries: { title: 'Under way', sections: underWay, json: ({ underWay: all }) => all },
  scopes: { title: 'Scopes', sections: scopes, json: ({ scopes: all }) => all },
  settings: {
    title: 'Settings',
    sections: ({ settings }) => [{ title: 'Settings, secrets masked', text: settings }],
    json: ({ settings }) => ({ settings }),
  },
  log: {
    title: 'Log',
    sections: ({ log }) => [{ title: 'Last lines', text: log.toReversed().join('\n') }],
    json: ({ log }) => log.map((line) => JSON.parse(line) as unknown),
  },
};

const NOT_FOUND = {
  error: 'not found',
  pages: Object.keys(VIEWS).map((name) => (name === '' ? '/debug' : `/debug/${name}`)),
  json: 'the same with .json behind it',
};

function agent({ version, now, started, ready, process: own, deadLetters }: Inspection): Section {
  return {
    title: 'Agent',
    columns: ['', ''],
    rows: [
      ['version', version],
      ['ready', ready ? 'yes' : 'not yet'],
      ['up for', readableDuration((now - started) / 1000)],
      ['memory', readableBytes(own.rssBytes)],
      ['processor time', readableDuration(own.cpuSeconds)],
      ['workers', String(own.workers)],
      ['process', `${own.pid}, Node ${own.node}, ${own.platform}`],
      ['dead letters', `${deadLetters.files} files, ${readableBytes(deadLetters.bytes)}`],
    ],
  };
}

function components({ components: all, now }: Inspection): readonly Section[] {
  return [
    {
      title: 'Components',
      columns: ['kind', 'component', 'status', 'for', 'why', 'last error'],
      rows: all.map(({ id, kind, status, since, reason = '', lastError }) => [
        kind,
        id,
        status,
        ago(now, since),
        reason,
        lastError === undefined ? '' : `${iso(lastError.time)} ${lastError.reason}`,
      ]),
    },
  ];
}

function traffic({ receivers, exporters, queues, now }: Inspection): readonly Section[] {
  return [
    {
      title: 'In',
      columns: [
        ...['pipeline', 'receiver', 'deliveries', 'rows read', 'rows/s', 'charges', 'rejected'],
        ...['last commit', 'age of the data'],
      ],
      rows: receivers.map(
        ({ pipeline, receiver, deliveries, rows, rowsPerSecond, lastCommit, dataAge }) => [
          pipeline,
          receiver,
          readableCount(deliveries),
          readableCount(rows.read),
          readableCount(rowsPerSecond),
          readableCount(rows.written),
          readableCount(rows.rejected),
          lastCommit === undefined ? '' : `${ago(now, lastCommit)} ago`,
          dataAge === undefined ? '' : readableDuration(dataAge),
        ],
      ),
    },
    {
      title: 'Out',
      columns: ['exporter', 'charges', 'charges/s', 'batches', 'bytes', 'refused', 'last batch'],
      rows: exporters.map(
        ({ exporter, rows, rowsPerSecond, batches, bytes, refused, lastWrite }) => [
          exporter,
          readableCount(rows),
          readableCount(rowsPerSecond),
          readableCount(batches),
          readableBytes(bytes),
          readableCount(refused),
          lastWrite === undefined ? '' : `${ago(now, lastWrite)} ago`,
        ],
      ),
    },
    {
      title: 'Queues',
      columns: ['queue', 'waiting'],
      rows: queues.map(({ name, length }) => [name, readableCount(length)]),
    },
  ];
}

function underWay({ underWay: all, now }: Inspection): readonly Section[] {
  return [
    {
      title: 'Deliveries under way',
      columns: [
        'pipeline',
        'receiver',
        'scope',
        'revision',
        'files',
        'bytes',
        'for',
        'rows so far',
      ],
      rows: all.map(({ pipeline, receiver, scope, revision, files, bytes, since, rows }) => [
        pipeline,
        receiver,
        scope,
        revision,
        readableCount(files),
        readableBytes(bytes),
        ago(now, since),
        readableCount(rows),
      ]),
    },
  ];
}

function scopes({ scopes: all, now }: Inspection): readonly Section[] {
  return [
    {
      title: 'Scopes',
      columns: [
        ...['pipeline', 'receiver', 'scope', 'revision', 'deliveries', 'charges', 'rejected'],
        ...['committed', 'newest charge'],
      ],
      rows: all.map(
        ({
          pipeline,
          receiver,
          scope,
          revision,
          deliveries,
          rows,
          rejected,
          committed,
          dataUntil,
        }) => [
          pipeline,
          receiver,
          scope,
          revision,
          readableCount(deliveries),
          readableCount(rows),
          readableCount(rejected),
          `${ago(now, committed)} ago`,
          dataUntil === undefined ? '' : `${iso(dataUntil)}, ${ago(now, dataUntil)} ago`,
        ],
      ),
    },
  ];
}

function ago(now: number, then: number): string {
  return readableDuration((now - then) / 1000);
}

function iso(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).concat('Z');
}
