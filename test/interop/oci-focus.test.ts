/**
 * Oracle's own SDK beside ours: the same signatures, the same reading of configuration files, and it takes what the tests hold up for Object
 * Storage for the real one. The reports themselves cannot be had without a tenancy.
 */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { profileIn } from '../../plugins/receivers/oci-focus/profile.ts';
import { signedHeaders } from '../../plugins/receivers/oci-focus/signed.ts';
import { focusd } from '../helpers/focusd-process.ts';
import { fakeOciPrincipal, tokenOf } from '../helpers/oci-principal.ts';
import { EXAMPLE_KEY, FINGERPRINT, fakeOciStorage, TENANCY, USER } from '../helpers/oci-storage.ts';
import { run } from './programs/npm.ts';
import { ociSdk } from './programs/oci-sdk.ts';

t.setTimeout(15 * 60_000);

const sdk = await ociSdk();
const skip = 'skip' in sdk ? sdk.skip : false;
const DATE = 'Thu, 17 Sep 2026 12:00:00 GMT';
const HOST = 'https://objectstorage.eu-frankfurt-1.oraclecloud.com';
const OBJECTS = `${HOST}/n/bling/b/${TENANCY}/o`;
const PROFILES = (key: string): string => `
[DEFAULT]
user = ${USER}
fingerprint=${FINGERPRINT}
# the key of the documentation
key_file=${key}
tenancy=${TENANCY}
region=eu-frankfurt-1

[OTHER]
region = us-ashburn-1
pass_phrase = a=b # c
`;

/** Runs a program in Python; what it prints last is JSON. */
async function python(cwd: string, program: string, input: unknown): Promise<unknown> {
  const path = 'path' in sdk ? sdk.path : '';
  const env = { INPUT: JSON.stringify(input) };
  const head = 'import json, os, sys, oci\nasked = json.loads(os.environ["INPUT"])\n';
  const ended = await run([path, '-c', `${head}${program}`], { cwd, env });
  if (ended.code !== 0) throw new Error(ended.stderr);
  return JSON.parse(ended.stdout);
}

t.test("Oracle's SDK", { skip }, async (t) => {
  const folder = t.testdir({ 'key.pem': EXAMPLE_KEY });
  const config = join(folder, 'config');
  writeFileSync(config, PROFILES(join(folder, 'key.pem')), { mode: 0o600 });

  t.test('signs as we do', async (t) => {
    const urls = [
      OBJECTS,
      `${OBJECTS}?fields=name%2Cetag%2Csize%2CtimeCreated&prefix=FOCUS%20Reports%2F`,
      `${OBJECTS}/FOCUS%20Reports/2026/09/17/0001-00001.csv.gz`,
      `${OBJECTS}/a%2Bb%25%C3%BC%26%3D?start=x%2Fy`,
      'http://127.0.0.1:8443/n/bling/b/x/o',
    ];
    const theirs = await python(
      folder,
      `
from oci._vendor import requests
config = oci.config.from_file(asked["config"])
signer = oci.signer.Signer(config["tenancy"], config["user"], config["fingerprint"], config["key_file"])
def signed(url):
    return requests.Request("GET", url, headers={"date": asked["date"]}, auth=signer).prepare().headers["authorization"]
print(json.dumps([signed(url) for url in asked["urls"]]))`,
      { config, urls, date: DATE },
    );
    const key = createPrivateKey(EXAMPLE_KEY);
    const signer = { keyId: `${TENANCY}/${USER}/${FINGERPRINT}`, key };
    const ours = urls.map((url) => signedHeaders(new URL(url), { signer, date: DATE }));
    t.same(
      ours.map(({ authorization = '' }) => parametersOf(authorization)),
      (theirs as string[]).map(parametersOf),
    );
  });

  t.test('reads configuration files as we do', async (t) => {
    const theirs = (await python(
      folder,
      'print(json.dumps([oci.config.from_file(asked, name) for name in ["DEFAULT", "OTHER"]]))',
      config,
    )) as readonly Readonly<Record<string, string>>[];
    for (const [index, name] of ['DEFAULT', 'OTHER'].entries()) {
      const ours = profileIn(PROFILES(join(folder, 'key.pem')), name) ?? {};
      t.same(ours, pick(theirs[index] ?? {}, Object.keys(ours)), name);
    }
  });

  t.test('takes the storage of the tests for the real one; the agent reads the same', async (t) => {
    const storage = await fakeOciStorage(t);
    const day = new Date().toISOString().slice(0, 10);
    const names = ['1', '2', '3 ü+%'].map(
      (name) => `FOCUS Reports/${day.replaceAll('-', '/')}/${name}.csv.gz`,
    );
    for (const [index, name] of names.entries())
      storage.put(name, report(day, index + 1), `${day}T0${index}:00:00.000Z`);
    const listed = await python(
      folder,
      `
client = oci.object_storage.ObjectStorageClient(oci.config.from_file(asked["config"]), service_endpoint=asked["url"])
bucket = ("bling", asked["tenancy"])
found = oci.pagination.list_call_get_all_results(client.list_objects, *bucket, prefix="FOCUS Reports/", fields="name,etag,size,timeCreated").data.objects
def bytes_of(one): return client.get_object(*bucket, one.name, if_match=one.etag).data.content.hex()
def refusal():
    try: client.get_object(*bucket, found[0].name, if_match="other")
    except oci.exceptions.ServiceError as error: return [error.status, error.code]
print(json.dumps({"objects": [[one.name, one.etag, one.size, bytes_of(one)] for one in found], "refusal": refusal()}))`,
      { config, url: storage.url, tenancy: TENANCY },
    );
    t.same(listed, {
      objects: names.map((name) => {
        const { etag, content } = storage.objects.get(name) ?? { etag: '', content: Buffer.of() };
        return [name, etag, content.length, Buffer.from(content).toString('hex')];
      }),
      refusal: [412, 'IfMatchFailed'],
    });
    writeFileSync(join(folder, 'focusd.yaml'), agentConfiguration(storage.url));
    const tested = await focusd(t, ['test-receiver', 'oci-focus'], { cwd: folder });
    t.match(tested, { code: 0, stdout: /3 files/ });
    const ran = await focusd(t, ['run', '--once'], { cwd: folder });
    t.equal(ran.code, 0, ran.stderr);
    t.match(ran.stdout, /6\.60/, 'the three reports add up: 1.10 + 2.20 + 3.30');
    const again = await focusd(t, ['run', '--once'], { cwd: folder });
    t.notMatch(again.stderr, /delivery committed/, 'each is read once');
  });

  t.test('signs in as an instance and as a resource where we do', async (t) => {
    const storage = await fakeOciStorage(t);
    const day = new Date().toISOString().slice(0, 10);
    const name = `FOCUS Reports/${day.replaceAll('-', '/')}/1.csv.gz`;
    storage.put(name, report(day, 1), `${day}T00:00:00.000Z`);
    const principal = await fakeOciPrincipal(t, Date.now());
    storage.tokenKey = (token) => principal.tokens.get(token);
    const read = `
client = oci.object_storage.ObjectStorageClient({"region": "eu-frankfurt-1"}, service_endpoint=asked["url"], signer=signer)
found = client.list_objects("bling", asked["tenancy"], prefix="FOCUS Reports/", fields="name,etag,size,timeCreated").data.objects
print(json.dumps([signer.tenancy_id, signer.region, [one.name for one in found]]))`;
    const theirs = await python(
      folder,
      `
os.environ["OCI_METADATA_BASE_URL"] = asked["metadata"]
signer = oci.auth.signers.InstancePrincipalsSecurityTokenSigner(federation_endpoint=asked["federation"])${read}`,
      {
        url: storage.url,
        tenancy: TENANCY,
        metadata: principal.credentials.metadata_url,
        federation: principal.credentials.federation_url,
      },
    );
    t.same(
      theirs,
      [TENANCY, 'eu-frankfurt-1', [name]],
      'the services of the tests pass for the real ones',
    );
    t.equal(principal.tokens.size, 1);

    const { metadata_url, federation_url } = principal.credentials;
    writeFileSync(
      join(folder, 'instance.yaml'),
      agentConfiguration(
        storage.url,
        `auth: instance_principal, metadata_url: "${metadata_url}", federation_url: "${federation_url}"`,
      ),
    );
    const tested = await focusd(t, ['test-receiver', 'oci-focus', '-c', 'instance.yaml'], {
      cwd: folder,
    });
    t.match(tested, { code: 0, stdout: new RegExp(`${TENANCY} in eu-frankfurt-1`) }, tested.stderr);
    t.equal(principal.tokens.size, 2, 'ours is a token of its own');

    const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const token = tokenOf({
      exp: Math.floor(Date.now() / 1000) + 3600,
      iat: 1,
      res_tenant: TENANCY,
    });
    storage.tokenKey = (given) => (given === token ? keys.publicKey : undefined);
    writeFileSync(join(folder, 'rpst'), token);
    writeFileSync(join(folder, 'rpst.pem'), pem);
    const env = {
      OCI_RESOURCE_PRINCIPAL_VERSION: '2.2',
      OCI_RESOURCE_PRINCIPAL_RPST: join(folder, 'rpst'),
      OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM: join(folder, 'rpst.pem'),
      OCI_RESOURCE_PRINCIPAL_REGION: 'eu-frankfurt-1',
    };
    const resource = await python(
      folder,
      `
os.environ.update(asked["env"])
signer = oci.auth.signers.get_resource_principals_signer()${read}`,
      { url: storage.url, tenancy: TENANCY, env },
    );
    t.same(resource, [TENANCY, 'eu-frankfurt-1', [name]]);
    writeFileSync(
      join(folder, 'resource.yaml'),
      agentConfiguration(
        storage.url,
        [
          'auth: resource_principal',
          `session_token: "\${env:OCI_RESOURCE_PRINCIPAL_RPST}"`,
          `private_key: "\${env:OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM}"`,
        ].join(', '),
        `region: "\${env:OCI_RESOURCE_PRINCIPAL_REGION}",`,
      ),
    );
    const ours = await focusd(t, ['test-receiver', 'oci-focus', '-c', 'resource.yaml'], {
      cwd: folder,
      env,
    });
    t.match(ours, { code: 0, stdout: /1 file/ }, ours.stderr);
  });
});

function parametersOf(authorization: string): object {
  return Object.fromEntries(
    [...authorization.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
}

function pick(
  from: Readonly<Record<string, string>>,
  names: readonly string[],
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}

/** A report in the columns of Oracle's FOCUS reports that matter here. */
function report(day: string, count: number): Uint8Array {
  const cost = `${count}.${count}0`;
  return gzipSync(
    `BillingAccountId,BillingCurrency,BilledCost,EffectiveCost,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,Provider,ServiceName,Region
${TENANCY},USD,${cost},${cost},Usage,${day}T00:00Z,${day}T01:00Z,Oracle,Compute,eu-frankfurt-1\n`,
  );
}

function agentConfiguration(
  endpoint: string,
  credentials = 'config_file: ./config',
  more = '',
): string {
  return `receivers:
  oci-focus: { ${more} endpoint: "${endpoint}", credentials: { ${credentials} } }
exporters:
  console: {}
workers: 1
storage: { folder: ./state }
service:
  pipelines:
    costs: { receivers: [oci-focus], exporters: [console] }
  telemetry:
    metrics: { address: "off" }
`;
}
