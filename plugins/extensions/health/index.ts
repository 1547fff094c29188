import {
  type AgentView,
  type ComponentHealth,
  defineExtension,
} from '../../../pipelines/plugin/index.ts';
import { type Page, servePages } from '../../kit/serve-pages.ts';

export default defineExtension({
  type: 'health',
  summary: 'HTTP endpoint that says whether the agent lives, is ready, and how each component is.',
  stability: 'stable',
  config: {
    endpoint: {
      doc: 'Where it listens. Anyone who reaches it may read component names and error messages.',
      format: 'text',
      default: '127.0.0.1:13133',
    },
  },

  async open({ config, clock, id, log }, agent) {
    const started = clock.now();
    const pages = await servePages({
      endpoint: config.endpoint,
      path: `extensions.${id}.endpoint`,
      page: ({ path }) =>
        pageOf(path, { agent, uptimeMs: clock.now() - started, now: clock.now() }),
    });
    log.info('health endpoint listens', { address: pages.address });
    return pages;
  },
});

interface View {
  readonly agent: AgentView;
  readonly uptimeMs: number;
  readonly now: number;
}

const PAGES: Readonly<Record<string, (view: View) => Page>> = {
  '/': summary,
  '/live': () => ({ status: 200, body: { status: 'live' } }),
  '/ready': ready,
  '/components': components,
};

function pageOf(path: string, view: View): Page {
  const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
  return page === undefined
    ? { status: 404, body: { error: 'not found', pages: Object.keys(PAGES) } }
    : page(view);
}

/** 200 when everything was started and nothing has failed. */
function summary(view: View): Page {
  const failed = view.agent.health().filter(isFailed);
  const up = view.agent.ready() && failed.length === 0;
  const { version } = view.agent;
  const status = up ? 'ok' : view.agent.ready() ? 'failed' : 'starting';
  const uptime = Math.floor(view.uptimeMs / 1000);
  return {
    status: up ? 200 : 503,
    body: { status, version, uptime_seconds: uptime, components: countByStatus(view.agent) },
  };
}

/** 200 once every component has been started; a failed one makes it 503 again. */
function ready(view: View): Page {
  const { status } = summary(view);
  return { status, body: { ready: status === 200 } };
}

function components({ agent, now }: View): Page {
  const health = agent.health();
  return {
    status: health.some(isFailed) ? 503 : 200,
    body: {
      components: health.map(({ since, ...component }) => ({
        ...component,
        since: new Date(since).toISOString(),
        for_seconds: Math.max(0, Math.floor((now - since) / 1000)),
      })),
    },
  };
}

function isFailed({ status }: ComponentHealth): boolean {
  return status === 'failed';
}

function countByStatus(agent: AgentView): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status } of agent.health()) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
