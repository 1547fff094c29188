import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import {
  type Context,
  errorMessage,
  Misconfigured,
  type Tls,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, textAt } from '../../kit/json.ts';
import type { Access } from './api-server.ts';
import type { Settings } from './settings.ts';

/** Who asks whom: by the kubeconfig, or the service account of the pod. */
export async function accessOf(context: Context<Settings>): Promise<Access> {
  const { kubeconfig } = context.config;
  return kubeconfig === undefined
    ? serviceAccount(context)
    : await fromKubeconfig(kubeconfig, context);
}

/** Tokens of service accounts are renewed on disk long before they end: the file is read for every request. */
async function serviceAccount({ config, id }: Context<Settings>): Promise<Access> {
  const folder = config.service_account;
  const token = () => tokenIn(join(folder, 'token'));
  await token().catch((cause: Error) => {
    throw new Misconfigured(`there is no service account: ${cause.message}`, {
      path: `receivers.${id}.kubeconfig`,
      hint: 'set it where the agent runs outside the cluster; inside, the pod needs automountServiceAccountToken: true',
    });
  });
  return { server: config.api_server, token, tls: { ca: join(folder, 'ca.crt') } };
}

async function tokenIn(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new Unavailable(`cannot read ${file}`, { cause });
  }
}

async function fromKubeconfig(file: string, context: Context<Settings>): Promise<Access> {
  const path = `receivers.${context.id}.kubeconfig`;
  const kubeconfig = await parsed(file, path);
  const wanted = context.config.context ?? textAt(kubeconfig['current-context']) ?? '';
  const current = named(kubeconfig, { list: 'contexts', item: 'context', name: wanted, path });
  const find = (list: 'clusters' | 'users', item: 'cluster' | 'user') =>
    named(kubeconfig, { list, item, name: textAt(current[item]) ?? '', path });
  const cluster = find('clusters', 'cluster');
  const user = find('users', 'user');
  refuse(cluster, ['proxy-url'], path);
  refuse(user, ['exec', 'auth-provider', 'username', 'as'], path);
  const server = textAt(cluster.server);
  if (server === undefined) throw new Misconfigured(`${file}: the cluster has no server`, { path });
  const files = pemFiles({ file, folder: context.folder });
  return {
    server,
    token: tokenOf(user, files.at),
    tls: {
      ...(await files.pem(cluster, 'certificate-authority', 'ca')),
      ...(await files.pem(user, 'client-certificate', 'cert')),
      ...(await files.pem(user, 'client-key', 'key')),
      ...(textAt(cluster['tls-server-name']) && {
        serverName: textAt(cluster['tls-server-name']) ?? '',
      }),
      ...(cluster['insecure-skip-tls-verify'] === true && { insecureSkipVerify: true }),
    },
  };
}

async function parsed(file: string, path: string): Promise<JsonObject> {
  try {
    const found = objectAt(parse(await readFile(file, 'utf8')));
    if (found !== undefined) return found;
  } catch (cause) {
    const reason = errorMessage(cause);
    throw new Misconfigured(`cannot read ${file}: ${reason}`, { path, cause });
  }
  throw new Misconfigured(`${file} is no kubeconfig`, { path });
}

/** An entry of one of the lists of a kubeconfig. */
function named(
  kubeconfig: JsonObject,
  {
    list,
    item,
    name,
    path,
  }: {
    readonly list: string;
    readonly item: string;
    readonly name: string;
    readonly path: string;
  },
): JsonObject {
  const entries: readonly unknown[] = Array.isArray(kubeconfig[list]) ? kubeconfig[list] : [];
  const entry = entries.map(objectAt).find((one) => one?.name === name);
  const found = objectAt(entry?.[item]);
  if (found !== undefined) return found;
  throw new Misconfigured(`the kubeconfig has no ${item} "${name}"`, { path });
}

/** What would run a program or is no way to ask any more. */
function refuse(of: JsonObject, names: readonly string[], path: string): void {
  const name = names.find((one) => of[one] !== undefined && of[one] !== null);
  if (name === undefined) return;
  throw new Misconfigured(`the kubeconfig has ${name}, which is not used`, {
    path,
    hint:
      name === 'exec' || name === 'auth-provider'
        ? 'the agent starts no programs: make a token for a service account (kubectl create token), or a client certificate'
        : 'use a token or a client certificate',
  });
}

function tokenOf(
  user: JsonObject,
  at: (path: string) => string,
): () => Promise<string | undefined> {
  const file = textAt(user.tokenFile);
  if (file !== undefined) return () => tokenIn(at(file));
  const token = textAt(user.token);
  return async () => token;
}

/** PEM files as the kubeconfig names them, or what stands in it, written beside the agent's own files. */
function pemFiles({ file, folder }: { readonly file: string; readonly folder: string }) {
  const at = (path: string) => (isAbsolute(path) ? path : resolve(dirname(file), path));
  async function pem(of: JsonObject, name: string, as: keyof Tls): Promise<Partial<Tls>> {
    const data = textAt(of[`${name}-data`]);
    const path = textAt(of[name]);
    if (data === undefined) return path === undefined ? {} : { [as]: at(path) };
    const own = join(folder, 'kubeconfig', `${as}.pem`);
    await mkdir(dirname(own), { recursive: true, mode: 0o700 });
    await writeFile(own, Buffer.from(data, 'base64'), { mode: 0o600 });
    return { [as]: own };
  }
  return { at, pem };
}
