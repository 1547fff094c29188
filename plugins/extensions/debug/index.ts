import { defineExtension, Misconfigured } from '../../../pipelines/plugin/index.ts';
import { isLoopback, parseEndpoint } from '../../kit/endpoint.ts';
import { type Page, type PageRequest, servePages } from '../../kit/serve-pages.ts';
import { pageOf } from './pages.ts';

export default defineExtension({
  type: 'debug',
  summary:
    'Pages for people about the running agent, on this machine only: components, traffic, deliveries, scopes, settings, log.',
  stability: 'beta',
  config: {
    endpoint: {
      doc: 'Where it listens: an address of this machine alone (loopback).',
      format: 'text',
      default: '127.0.0.1:13134',
    },
  },

  async open({ config, id, log }, agent) {
    const path = `extensions.${id}.endpoint`;
    requireLoopback(config.endpoint, path);
    const pages = await servePages({
      endpoint: config.endpoint,
      path,
      page: (request) => (isLocal(request) ? pageOf(request.path, agent) : FOREIGN),
    });
    log.info('debug pages are served', { address: `http://${pages.address}/debug` });
    return pages;
  },
});

/** A page in a browser may not be led here under another name. */
const FOREIGN: Page = { status: 403, body: { error: 'ask for localhost or 127.0.0.1' } };
const LOCAL_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

function isLocal({ host }: PageRequest): boolean {
  return host !== undefined && LOCAL_HOST.test(host);
}

function requireLoopback(endpoint: string, path: string): void {
  const { host, port } = parseEndpoint(endpoint, path);
  if (isLoopback(host)) return;
  throw new Misconfigured(`${endpoint} can be reached from other machines`, {
    path,
    hint: `write 127.0.0.1:${port}, and reach it from elsewhere by ssh -L or kubectl port-forward`,
  });
}
