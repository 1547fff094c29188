import {
  type Advice,
  type ConfigOf,
  Misconfigured,
  type Schema,
} from '../../../pipelines/plugin/index.ts';
import { isLoopback } from '../endpoint.ts';
import { TLS_SETTINGS, tlsOf } from '../tls-settings.ts';

/** Settings of a connection to NATS. */
export const NATS_SETTINGS = {
  servers: {
    doc: 'Servers of one cluster, any is enough: `nats://host:4222`; `tls://host:4222` insists on TLS.',
    format: 'list',
    default: ['nats://127.0.0.1:4222'],
  },
  credentials: {
    doc: 'File with the JWT of a user and the seed of its nkey (`.creds`).',
    format: 'path',
    default: null,
  },
  nkey: { doc: 'Seed of the nkey of a user without JWT.', format: 'secret', default: null },
  user: { doc: 'Name of a user with a password.', format: 'text', default: null },
  password: { doc: 'Its password.', format: 'secret', default: null },
  token: { doc: 'Token, where the server knows no users.', format: 'secret', default: null },
  tls: TLS_SETTINGS,
} as const satisfies Schema;

/** The checked values of them. */
export type NatsConfig = ConfigOf<typeof NATS_SETTINGS>;

/** Throws `Misconfigured` when they contradict each other; `path` names the component. */
export function checkNats(config: NatsConfig, path: string): void {
  const { credentials, nkey, user, password, token, servers } = config;
  const ways = Object.entries({ credentials, nkey, user, token }).filter(
    ([, value]) => value !== undefined,
  );
  const [, second] = ways;
  if (second !== undefined)
    throw new Misconfigured(`two ways to log in: ${ways.map(([name]) => name).join(' and ')}`, {
      path: `${path}.${second[0]}`,
      hint: 'set one of credentials, nkey, user and token',
    });
  if ((user === undefined) !== (password === undefined))
    throw new Misconfigured('a user needs a password, and a password a user', {
      path: `${path}.${user === undefined ? 'user' : 'password'}`,
    });
  for (const server of servers) hostOf(server, path);
  if (servers.length === 0)
    throw new Misconfigured('no server is named', {
      path: `${path}.servers`,
      hint: 'write nats://host:4222',
    });
}

/** Whether the connection is refused unless it is encrypted. */
export function insistsOnTls({ servers, tls }: NatsConfig): boolean {
  return tlsOf(tls) !== undefined || servers.some((server) => server.startsWith('tls://'));
}

/** Warns of what others on the way could read. */
export function adviseNats(config: NatsConfig): readonly Advice[] {
  const { password, token } = config;
  const hasSecret = password !== undefined || token !== undefined;
  const isFar = config.servers.some((server) => !isLoopback(hostOf(server, 'servers')));
  if (!hasSecret || !isFar || insistsOnTls(config)) return [];
  return [
    {
      path: 'servers',
      problem: 'may be told the password or token without TLS, for anybody on the way to read',
      hint: 'write tls:// for nats://, or set tls.ca',
    },
  ];
}

function hostOf(server: string, path: string): string {
  const match = /^(?:(?:nats|tls):\/\/)?([^/@]+?)(?::\d{1,5})?\/?$/.exec(server);
  if (match?.[1] === undefined)
    throw new Misconfigured(`not a server of NATS: ${server.replace(/\/\/.*@/, '//***@')}`, {
      path: `${path}.servers`,
      hint: 'write nats://host:4222; user and password have settings of their own',
    });
  return match[1];
}
