import type { ConfigOf, Schema } from './formats.ts';

/** The agent's own settings. Components and pipelines stand beside them. */
export const AGENT = {
  plugins: {
    doc: 'npm packages with further plugins, found from the folder of the configuration.',
    format: 'list',
    default: [],
  },
  storage: {
    folder: {
      doc: 'Where cursors, totals, spooled deliveries and dead letters are kept.',
      format: 'path',
      default: './focusd-data',
    },
    state: {
      doc: 'Where cursors and totals are kept instead of in `folder`, so that several agents share them: `postgres://user:password@host:5432/database`. TLS is on and verified unless the host is this machine; `?sslmode=disable` switches it off.',
      format: 'secret',
      default: null,
    },
    state_tls: {
      ca: {
        doc: 'PEM file of the authorities that the server of `state` is checked against. Left out: those of the system.',
        format: 'path',
        default: null,
      },
      cert: {
        doc: 'PEM file of the certificate that this agent shows it.',
        format: 'path',
        default: null,
      },
      key: { doc: 'PEM file of its key.', format: 'path', default: null },
    },
    lease: {
      doc: 'With `state`: how long after it was last heard of what an agent had begun may be taken by another.',
      format: 'duration',
      default: '30s',
      min: '2s',
      max: '1h',
    },
    max_dead_letters: {
      doc: 'Most bytes of dead letters; beyond that the oldest are removed.',
      format: 'bytes',
      default: '256MiB',
      min: '1MiB',
    },
    max_queue: {
      doc: 'Most bytes of charges that may wait for one exporter whose backend is down; the others go on. Beyond that, deliveries wait.',
      format: 'bytes',
      default: '1GiB',
      min: '1MiB',
    },
    max_queue_age: {
      doc: 'How long charges may have waited for an exporter before further deliveries wait instead.',
      format: 'duration',
      default: '168h',
      min: '1m',
    },
  },
  workers: {
    doc: 'Threads that turn parts into charges. Left out: one per core, at most four.',
    format: 'int',
    default: null,
    min: 1,
    max: 256,
  },
  periods: {
    close_after: {
      doc: 'A billing period that has not changed for so long, after its end, is closed; 0: none ever is.',
      format: 'duration',
      default: '10d',
    },
  },
  service: {
    extensions: { doc: 'Extensions to start, in this order.', format: 'list', default: [] },
    telemetry: {
      logs: {
        level: {
          doc: "Least severity of the agent's own log.",
          format: 'choice',
          values: ['debug', 'info', 'warn', 'error'],
          default: 'info',
        },
        encoding: {
          doc: 'One JSON object per line, or lines for people (`console`); `auto` writes for people where it runs in a terminal.',
          format: 'choice',
          values: ['auto', 'json', 'console'],
          default: 'auto',
        },
      },
      metrics: {
        level: {
          doc: "How much of the agent's own metrics there is.",
          format: 'choice',
          values: ['none', 'normal', 'detailed'],
          default: 'normal',
        },
        address: {
          doc: 'Host and port where Prometheus can read them; `off` for none.',
          format: 'text',
          default: '127.0.0.1:8888',
        },
        otlp: {
          endpoint: {
            doc: 'Where they are sent as OTLP. Left out: nowhere.',
            format: 'url',
            default: null,
          },
          protocol: {
            doc: 'How they are sent.',
            format: 'choice',
            values: ['grpc', 'http/protobuf'],
            default: 'grpc',
          },
          headers: {
            doc: 'Headers that go along, by name.',
            format: 'secrets',
            default: {},
          },
          interval: {
            doc: 'How often they are sent.',
            format: 'duration',
            default: '60s',
            min: '1s',
          },
        },
      },
      resource: {
        doc: "Resource attributes of the agent's own telemetry, by name; `service.name` is focusd unless it stands here.",
        format: 'map',
        default: {},
      },
    },
  },
} as const satisfies Schema;

/** The agent's own settings, checked. */
export type AgentSettings = ConfigOf<typeof AGENT>;

/** What stands beside the agent's settings and is checked on its own. */
export const BESIDE = [
  'receivers',
  'processors',
  'exporters',
  'extensions',
  'service.pipelines',
] as const;
