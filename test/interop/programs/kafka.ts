import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { cached, type Program, unavailable } from './cache.ts';
import type { Certificates } from './certs.ts';
import { leash } from './leash.ts';
import { run } from './npm.ts';
import { freePorts } from './ports.ts';
import { type Running, start } from './running.ts';

const VERSION = '4.3.1';
const ARTIFACTS = ['kafka_2.13', 'kafka-tools'];
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>${ARTIFACTS.map((name) => `<dependency><groupId>org.apache.kafka</groupId><artifactId>${name}</artifactId><version>${VERSION}</version></dependency>`).join('')}</dependencies>
</project>
`;
const MAVEN = 'nice -n 10 mvn -q -B dependency:copy-dependencies -DoutputDirectory=libs';

/** Apache Kafka from its Maven artifacts: Java with its classes. */
export function kafka(): Promise<Program> {
  return cached({ name: 'kafka', version: VERSION, source: POM + MAVEN, build });
}

async function build(folder: string): Promise<void> {
  const java = await run('java -version', { cwd: folder });
  const version = Number(/version "(\d+)/.exec(java.stderr)?.[1] ?? 0);
  if (java.code !== 0 || version < 17) throw unavailable('Java 17 or newer is not installed');
  await writeFile(join(folder, 'pom.xml'), POM);
  const maven = await run(MAVEN, { cwd: folder });
  const said = `${maven.stdout}${maven.stderr}`;
  if (maven.code === 127 || /mvn.*(not found|No such file)/.test(said))
    throw unavailable('Maven is not installed');
  if (/Could not (transfer|resolve|find)|Unknown host|Connection refused/.test(said))
    throw unavailable('the artifacts of Kafka cannot be fetched');
  if (maven.code !== 0) throw new Error(`${MAVEN} ended with ${maven.code}:\n${said.slice(-4000)}`);
  const launcher = join(folder, 'kafka');
  await writeFile(launcher, '#!/bin/sh\nexec java -Xmx320m -cp "$(dirname "$0")/libs/*" "$@"\n');
  await chmod(launcher, 0o755);
}

/** One broker, which is its own controller. */
export interface Kafka extends Running {
  /** To start it again on. */
  readonly ports: readonly number[];
  /** `127.0.0.1:9092`. */
  readonly broker: string;
  /** The same for clients that come by TLS and SASL, where there is such a listener. */
  readonly secured: string;
  /** Runs a tool of Kafka with what it reads from its standard input; answers what it writes. */
  tool(name: string, args: readonly string[], input?: string): Promise<string>;
}

/** How a broker is started: the same folder and ports again for one that goes on. */
export interface KafkaStart {
  readonly dir: string;
  readonly ports?: readonly number[];
  /** For a listener with TLS; its users are `plain` and `scram`, with the password `s3cret`, and whoever has an unsigned token. */
  readonly certificates?: Certificates;
}

const USER = 'required username="x" password="x"';

/** Starts a broker that keeps its topics in a folder. */
export async function startKafka({ dir, certificates, ...of }: KafkaStart): Promise<Kafka> {
  const program = await kafka();
  if ('skip' in program) throw new Error(program.skip);
  const ports = of.ports ?? (await freePorts(3));
  const [port = 0, controller = 0, secured = 0] = ports;
  await mkdir(dir, { recursive: true });
  const path = join(dir, 'server.properties');
  const tls = certificates === undefined ? [] : await tlsLines(dir, certificates);
  const clients = [
    `PLAINTEXT://127.0.0.1:${port}`,
    ...(certificates === undefined ? [] : [`SASL_SSL://localhost:${secured}`]),
  ];
  const lines = [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=${[...clients, `CONTROLLER://127.0.0.1:${controller}`].join(',')}`,
    `advertised.listeners=${clients.join(',')}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL',
    `log.dirs=${join(dir, 'logs')}`,
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    'num.partitions=3',
    ...tls,
  ];
  await writeFile(path, lines.join('\n'));
  if (of.ports === undefined) {
    const scram = ['256', '512'].flatMap((bits) => [
      '--add-scram',
      `SCRAM-SHA-${bits}=[name=scram,password=s3cret]`,
    ]);
    const id = ['-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', path];
    await tool(program.path, 'kafka.tools.StorageTool', { args: ['format', ...id, ...scram] });
  }
  const running = await start({
    path: program.path,
    args: ['kafka.Kafka', path],
    cwd: dir,
    ready: () => answers(port),
    within: 180_000,
  });
  return {
    ...running,
    broker: `127.0.0.1:${port}`,
    secured: `localhost:${secured}`,
    ports,
    tool: (name, args, input) => tool(program.path, name, { args, ...(input && { input }) }),
  };
}

async function tlsLines(dir: string, { ca, serverCert, serverKey }: Certificates) {
  const keystore = join(dir, 'keystore.pem');
  const [key, certificate] = await Promise.all(
    [serverKey, serverCert].map((file) => readFile(file)),
  );
  await writeFile(keystore, `${key}${certificate}`);
  const listener = 'listener.name.sasl_ssl';
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  return [
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${keystore}`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${ca}`,
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    `${listener}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule ${USER} user_plain="s3cret";`,
    // Takes tokens that nobody has signed.
    `${listener}.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
    `${listener}.scram-sha-256.sasl.jaas.config=${scram} required;`,
    `${listener}.scram-sha-512.sasl.jaas.config=${scram} required;`,
  ];
}

async function tool(
  path: string,
  name: string,
  { args, input = '' }: { readonly args: readonly string[]; readonly input?: string },
): Promise<string> {
  const child = spawn(path, [name, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  leash(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
