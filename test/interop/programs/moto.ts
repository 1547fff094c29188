import { dirname, join } from 'node:path';
import { cached, type Program } from './cache.ts';
import { pipRecipe } from './pip.ts';
import { freePort } from './ports.ts';
import { type Running, start } from './running.ts';

/** The AWS services of moto, in one process, with its check of signatures and policies. */
export interface Moto extends Running {
  readonly url: string;
  /** Whether requests have to be signed by somebody who may send them. */
  guard(on: boolean): Promise<void>;
  /** Stores an object; the guard has to be off. */
  put(bucket: string, key: string, content: string | Uint8Array): Promise<void>;
  delete(bucket: string, key: string): Promise<void>;
  /** A user with this policy; the guard has to be off. */
  user(policy: object, name?: string): Promise<MotoUser>;
  /** A role with this policy, and who may assume it by which external id; the guard has to be off. Answers its ARN. */
  role(
    policy: object,
    trusts: { readonly user: string; readonly externalId: string },
  ): Promise<string>;
}

const ACCOUNT = '123456789012';

/** How somebody signs. */
export interface MotoUser {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Empty objects that are there from the start. */
export interface Crowd {
  readonly bucket: string;
  readonly prefix: string;
  readonly count: number;
}

const VERSION = '5.2.5';
const SOURCE = `moto[s3,server]==${VERSION}`;
/** Requests that are let through unchecked while the guard is off. */
const UNGUARDED = '1000000000';

/** moto's server from PyPI, with its dependencies in a folder of its own. */
export function moto(): Promise<Program> {
  return cached(
    pipRecipe({ name: 'moto', version: VERSION, requirement: SOURCE, run: '-m moto.server' }),
  );
}

/** Starts a moto without its guard. */
export async function startMoto(dir: string, crowd?: Crowd): Promise<Moto> {
  const program = await moto();
  if ('skip' in program) throw new Error(program.skip);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const running = await start({
    path: crowd === undefined ? program.path : 'python3',
    args: [
      ...(crowd === undefined ? [] : ['-c', CROWDED, JSON.stringify(crowd)]),
      ...['-H', '127.0.0.1', '-p', String(port)],
    ],
    cwd: dir,
    env: {
      INITIAL_NO_AUTH_ACTION_COUNT: UNGUARDED,
      ...(crowd !== undefined && { PYTHONPATH: join(dirname(program.path), 'site') }),
    },
    ready: /Running on http/,
  });
  return {
    ...running,
    url,
    guard: (on) =>
      done(fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: on ? '0' : UNGUARDED })),
    put: (bucket, key, content) =>
      done(
        fetch(objectUrl(url, bucket, key), {
          method: 'PUT',
          body: Buffer.from(content),
          headers: asService('s3'),
        }),
      ),
    delete: (bucket, key) =>
      done(fetch(objectUrl(url, bucket, key), { method: 'DELETE', headers: asService('s3') })),
    user: (policy, name = 'focusd') => userWith(url, { policy, name }),
    role: (policy, trusts) => roleWith(url, { policy, ...trusts }),
  };
}

/** Puts the objects into moto's memory before it serves: one request for each would take minutes. */
const CROWDED = `
import json, sys
from moto.s3.models import s3_backends
crowd = json.loads(sys.argv[1])
store = s3_backends['${ACCOUNT}']['aws']
store.create_bucket(crowd['bucket'], 'us-east-1')
for i in range(crowd['count']):
    store.put_object(crowd['bucket'], crowd['prefix'] + str(i), b'')
from moto.server import main
main(sys.argv[2:])
`;

/** A call of IAM; answers its XML. */
async function iam(url: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams({ Version: '2010-05-08', ...parameters });
  const answer = await fetch(url, { method: 'POST', body, headers: asService('iam') });
  if (!answer.ok) throw new Error(await answer.text());
  return await answer.text();
}

async function userWith(
  url: string,
  { policy, name: UserName }: { readonly policy: object; readonly name: string },
): Promise<MotoUser> {
  await iam(url, { Action: 'CreateUser', UserName });
  const PolicyDocument = JSON.stringify(policy);
  await iam(url, { Action: 'PutUserPolicy', UserName, PolicyName: 'bills', PolicyDocument });
  const key = await iam(url, { Action: 'CreateAccessKey', UserName });
  const text = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(key)?.[1] ?? '';
  return { accessKeyId: text('AccessKeyId'), secretAccessKey: text('SecretAccessKey') };
}

async function roleWith(
  url: string,
  {
    policy,
    user,
    externalId,
  }: { readonly policy: object; readonly user: string; readonly externalId: string },
): Promise<string> {
  const RoleName = 'billing-reader';
  const trust = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/${user}` },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': externalId } },
  };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  await iam(url, { Action: 'CreateRole', RoleName, AssumeRolePolicyDocument });
  const PolicyDocument = JSON.stringify(policy);
  await iam(url, { Action: 'PutRolePolicy', RoleName, PolicyName: 'bills', PolicyDocument });
  return `arn:aws:iam::${ACCOUNT}:role/${RoleName}`;
}

/** moto finds the service by the scope of the credentials. */
function asService(service: string): Record<string, string> {
  const scope = `setup/20260901/us-east-1/${service}/aws4_request`;
  return { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0` };
}

function objectUrl(url: string, bucket: string, key: string): string {
  return `${url}/${bucket}${key === '' ? '' : '/'}${key.split('/').map(encodeURIComponent).join('/')}`;
}

async function done(answer: Promise<Response>): Promise<void> {
  const response = await answer;
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}
