/** Builds every foreign program ahead of the tests: `node test/interop/programs/install.ts`. */
import { assemblyScript } from './assemblyscript.ts';
import { azurite } from './azurite.ts';
import { type Program, progress } from './cache.ts';
import { ciCollector } from './ci-collector.ts';
import { cloudEventsSdk } from './cloudevents-sdk.ts';
import { collector } from './collector.ts';
import { fakeGcs } from './fake-gcs.ts';
import { kafka } from './kafka.ts';
import { apiserver, etcd } from './kube.ts';
import { moto } from './moto.ts';
import { natsServer } from './nats.ts';
import { nginx } from './nginx.ts';
import { ociSdk } from './oci-sdk.ts';
import { postgres } from './postgres.ts';
import { prometheus, promtool } from './prometheus.ts';
import { pythonSdk } from './python-sdk.ts';
import { swift } from './swift.ts';

const PROGRAMS: Readonly<Record<string, () => Promise<Program>>> = {
  asc: assemblyScript,
  azurite,
  otelcol: collector,
  'otelcol-ci': ciCollector,
  prometheus,
  promtool,
  moto,
  'python-otel': pythonSdk,
  swift,
  'fake-gcs-server': fakeGcs,
  nginx,
  postgres,
  'oci-sdk': ociSdk,
  etcd,
  'kube-apiserver': apiserver,
  'cloudevents-sdk': cloudEventsSdk,
  'nats-server': natsServer,
  kafka,
};

for (const [name, install] of Object.entries(PROGRAMS)) {
  const program = await install();
  progress('path' in program ? `${name}: ${program.path}` : `${name} is left out: ${program.skip}`);
}
