import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, freemem, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { maskedYaml } from '../../config/show.ts';
import type { Configuration } from '../../config/validate.ts';
import type { Http } from '../../pipelines/plugin/contract.ts';
import { errorMessage } from '../../pipelines/plugin/errors.ts';
import { createHttp } from '../../plugins/kit/http.ts';
import { configure } from '../configure.ts';
import { createMask } from '../mask.ts';
import { version } from '../version.ts';
import { askAgent, debugUrl } from './running-agent.ts';
import { json, noFile, type SupportFile } from './support-file.ts';
import { stateFiles } from './support-state.ts';
import { tar } from './tar.ts';

interface Options {
  readonly config: string;
  readonly output?: string;
}

/** Writes what helps to find out what is wrong, without a charge and without a secret; says where. What cannot be had is left out and said. */
export async function support(options: Options): Promise<void> {
  const now = new Date();
  const http = createHttp();
  try {
    const { files, mask } = await collected(options.config, http, now);
    const masked = files.map(({ path, text }) => ({ path, text: mask(text) }));
    const target = resolve(options.output ?? `focusd-support-${stamp(now)}.tar.gz`);
    if (/\.(tar\.gz|tgz)$/.test(target)) await writeArchive(target, masked, now);
    else await writeFolder(target, masked);
    process.stdout.write(`${target}\n${masked.map(({ path }) => `  ${path}\n`).join('')}`);
    process.stdout.write(
      'No charge is in it, and no secret of the configuration. Names of accounts, files and hosts are: look before you pass it on.\n',
    );
  } finally {
    await http.close();
  }
}

interface Collected {
  readonly files: readonly SupportFile[];
  readonly mask: (text: string) => string;
}

async function collected(config: string, http: Http, now: Date): Promise<Collected> {
  const about = aboutFile(now);
  const configured = await configure(config, process.env).catch((error: unknown) =>
    errorMessage(error),
  );
  if (typeof configured === 'string')
    return {
      files: [about, { path: 'configuration-error.txt', text: `${configured}\n` }],
      mask: (text) => text,
    };
  const { configuration } = configured;
  return {
    files: [
      about,
      { path: 'configuration.yaml', text: maskedYaml(configuration) },
      json('warnings.json', configuration.warnings),
      ...(await stateFiles(configuration)),
      ...(await agentFiles(configuration, http)),
      ...(await metricsFile(configuration, http)),
    ],
    mask: createMask(configuration.secrets),
  };
}

function aboutFile(now: Date): SupportFile {
  return json('about.json', {
    focusd: version(),
    time: now.toISOString(),
    node: process.version,
    versions: process.versions,
    platform: `${process.platform} ${process.arch} ${release()}`,
    cores: availableParallelism(),
    memory: { total: totalmem(), free: freemem() },
  });
}

/** What the running agent says of itself. */
async function agentFiles(configuration: Configuration, http: Http): Promise<SupportFile[]> {
  const url = debugUrl(configuration);
  if (url === undefined) return [noFile('agent', 'the configuration has no extension debug')];
  try {
    const { log, settings: _, ...inspection } = await askAgent(http, url);
    return [
      json('agent.json', inspection),
      { path: 'log.ndjson', text: log.map((line) => `${line}\n`).join('') },
    ];
  } catch (error) {
    return [noFile('agent', errorMessage(error))];
  }
}

async function metricsFile({ telemetry }: Configuration, http: Http): Promise<SupportFile[]> {
  const { address, level } = telemetry.metrics;
  if (address === 'off' || level === 'none')
    return [noFile('metrics', 'they are off in the configuration')];
  const host = address.replace(/^(0\.0\.0\.0)?:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
  try {
    const { body } = await http.request({ url: `http://${host}/metrics`, timeoutMs: 5_000 });
    return [{ path: 'metrics.txt', text: Buffer.from(body).toString() }];
  } catch (error) {
    return [noFile('metrics', errorMessage(error))];
  }
}

function stamp(now: Date): string {
  return now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').concat('Z');
}

const PRIVATE = { mode: 0o600 } as const;

async function writeArchive(target: string, files: readonly SupportFile[], now: Date) {
  const members = files.map(({ path, text }) => ({
    path: `focusd-support/${path}`,
    bytes: Buffer.from(text),
  }));
  await writeFile(target, gzipSync(tar(members, now.getTime())), PRIVATE);
}

async function writeFolder(target: string, files: readonly SupportFile[]): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  for (const { path, text } of files) await writeFile(join(target, path), text, PRIVATE);
}
