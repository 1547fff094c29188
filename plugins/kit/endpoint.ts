import { Misconfigured } from '../../pipelines/plugin/index.ts';

/** Where a server listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Reads `127.0.0.1:13133`, `[::1]:13133`, `localhost:0`, `:8888` (all interfaces); `path` names the setting in the error. */
export function parseEndpoint(text: string, path: string): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new Misconfigured(`not a host and a port: ${text}`, {
      path,
      hint: 'write host:port, for example 127.0.0.1:8888; an IPv6 address in brackets',
    });
  }
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}

/** `127.0.0.1:8888`, `[::1]:8888`. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether a host is this machine, by its name in a URL or an endpoint: what goes there is seen by nobody on the way. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/.test(host);
}
