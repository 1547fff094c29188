import { readFile } from 'node:fs/promises';
import { type Context, Misconfigured, type Tls } from '../../../pipelines/plugin/index.ts';
import { isLoopback } from '../../kit/endpoint.ts';
import { checkPlaceholders } from './periods.ts';
import type { Settings } from './settings.ts';

/** Where charges are asked for, and as whom. */
export interface Source {
  readonly config: Settings;
  /** `receivers.<id>`, for errors. */
  readonly path: string;
  /** Nobody else gets the credentials. */
  readonly origin: string;
  /** Headers for that origin. */
  readonly credentials: () => Promise<Readonly<Record<string, string>>>;
  readonly tls: Tls | undefined;
  readonly world: Pick<Context<unknown>, 'http' | 'clock' | 'log' | 'signal' | 'folder' | 'once'>;
}

/** The source that the settings name; throws `Misconfigured` when they do not fit together or a secret would travel in the clear. */
export function sourceOf(context: Context<Settings>): Source {
  const { config, id } = context;
  const path = `receivers.${id}`;
  checkPlaceholders(config.url, config.period, path);
  checkPaging(config, path);
  checkCredentials(config, path);
  const { origin } = new URL(config.url);
  const credentials = () => credentialsOf(config, path);
  return { config, path, origin, credentials, tls: tlsOf(config.tls), world: context };
}

function checkPaging({ paging, items }: Settings, path: string): void {
  const { kind, field, header, parameter } = paging;
  const needs = (setting: string, why: string): never => {
    throw new Misconfigured(`${setting} is missing`, { path: `${path}.${setting}`, hint: why });
  };
  if (kind === 'page' && parameter === undefined)
    needs(
      'paging.parameter',
      'it names the parameter of the URL that takes the number of the page',
    );
  if (kind !== 'cursor') return;
  if (field === undefined && header === undefined)
    needs('paging.field', 'it names the field of the answer with the cursor; or paging.header');
  if (field !== undefined && items === undefined)
    needs('items', 'a cursor in the answer needs a JSON answer with a list of charges');
}

function checkCredentials(config: Settings, path: string): void {
  const { url, token, token_file, username, password, headers } = config;
  if (new URL(url).username !== '')
    throw new Misconfigured('the URL has a name or password in it', {
      path: `${path}.url`,
      hint: 'set username and password',
    });
  if ((username === undefined) !== (password === undefined))
    throw new Misconfigured('a name needs a password', { path: `${path}.username` });
  const ways = [
    token,
    token_file,
    username,
    Object.keys(headers).find((name) => /^authorization$/i.test(name)),
  ];
  if (ways.filter((way) => way !== undefined).length > 1)
    throw new Misconfigured('there are several ways to say who asks', {
      path: `${path}.token`,
      hint: 'leave one of token, token_file, username and a header Authorization',
    });
  const isOpen = ways.every((way) => way === undefined) && Object.keys(headers).length === 0;
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'https:' && !isOpen && !isLoopback(hostname))
    throw new Misconfigured('credentials must not travel unencrypted', {
      path: `${path}.url`,
      hint: 'write https:',
    });
}

async function credentialsOf(
  { token, token_file, username, password, headers }: Settings,
  path: string,
): Promise<Readonly<Record<string, string>>> {
  const given = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  if (username !== undefined && password !== undefined) {
    const basic = Buffer.from(`${username}:${password}`).toString('base64');
    return { ...given, authorization: `Basic ${basic}` };
  }
  const bearer = token_file === undefined ? token : await tokenIn(token_file, path);
  return bearer === undefined ? given : { ...given, authorization: `Bearer ${bearer}` };
}

async function tokenIn(file: string, path: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Misconfigured(`the token cannot be read: ${cause.message}`, {
      path: `${path}.token_file`,
      cause,
    });
  });
  return text.trim();
}

function tlsOf({ ca, cert, key }: Settings['tls']): Tls | undefined {
  const given = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return Object.keys(given).length === 0 ? undefined : given;
}
