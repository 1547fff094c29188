/** Agents of accounts and the central one to which they forward. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { configuration, put } from './world.ts';

/** How a central agent is configured. */
export interface Central {
  readonly port: number;
  readonly protocol?: 'grpc' | 'http';
  /** Further settings of the receiver; YAML flow style. */
  readonly forward?: string;
  readonly exporters?: Readonly<Record<string, string>>;
}

/** Makes a folder the central agent's, which writes what it has to ./out; answers the folder. */
export function centralFolder(folder: string, central: Central): string {
  put(folder, 'focusd.yaml', centralConfiguration(central));
  return folder;
}

/** The same as text. */
export function centralConfiguration({
  port,
  protocol = 'grpc',
  forward = '',
  exporters = { 'file/csv': '{ folder: ./out, format: focus-csv }' },
}: Central): string {
  const other = protocol === 'grpc' ? 'http' : 'grpc';
  return `receivers:
  forward:
    ${protocol}: { endpoint: "127.0.0.1:${port}" }
    ${other}: { endpoint: "off" }
    deliver_every: 50ms
    ${forward}
exporters:
${Object.entries(exporters)
  .map(([id, settings]) => `  ${id}: ${settings}\n`)
  .join('')}workers: 1
storage: { folder: ./state }
service:
  pipelines:
    central: { receivers: [forward], exporters: [${Object.keys(exporters).join(', ')}] }
  telemetry:
    metrics: { address: "off" }
`;
}

/** Settings of the exporter that forwards. */
export function forwarding(
  port: number,
  {
    agent,
    more = '',
    elapsed = '15s',
  }: { readonly agent?: string; readonly more?: string; readonly elapsed?: string } = {},
): string {
  const name = agent === undefined ? '' : `agent: ${agent}, `;
  return `{ ${name}backend_profile: focusd, endpoint: "http://127.0.0.1:${port}", retry: { initial_interval: 50ms, max_interval: 200ms, max_elapsed_time: ${elapsed} }, ${more} }`;
}

/** Makes a folder an account's agent's, its bills in ./bills; answers the folder. */
export function accountFolder(
  folder: string,
  port: number,
  options: {
    readonly agent?: string;
    readonly more?: string;
    /** How long it tries. */
    readonly elapsed?: string;
    /** Another folder of bills. */
    readonly bills?: string;
  } = {},
): string {
  const { bills = join(folder, 'bills') } = options;
  mkdirSync(bills, { recursive: true });
  const text = configuration({ exporters: { otlp: forwarding(port, options) } });
  put(folder, 'focusd.yaml', text.replace('./bills', bills));
  return folder;
}

/** Where a folder's configuration is. */
export function configurationOf(folder: string): string {
  return join(folder, 'focusd.yaml');
}
