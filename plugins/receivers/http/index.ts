import {
  type ConfigOf,
  defineReceiver,
  Misconfigured,
  type ReceiverContext,
  type Schema,
} from '../../../pipelines/plugin/index.ts';
import { chargeLines } from '../../kit/charges/charges.ts';
import { isLoopback, parseEndpoint } from '../../kit/endpoint.ts';
import { INTAKE_SETTINGS, openIntake } from '../../kit/intake/index.ts';
import { judgePush } from './push.ts';

const config = {
  ...INTAKE_SETTINGS,
  endpoint: { ...INTAKE_SETTINGS.endpoint, default: '127.0.0.1:9187' },
  max_body: {
    ...INTAKE_SETTINGS.max_body,
    doc: 'Larger requests are refused with 413, and those that unpack to more.',
    default: '4MiB',
  },
  max_in_flight: {
    doc: 'Bytes of requests in memory at a time; over it senders are asked to come again.',
    format: 'bytes',
    default: '64MiB',
    min: '1MiB',
  },
  path: { doc: 'Path of the endpoint.', format: 'text', default: '/v1/charges' },
  token: { doc: 'Bearer token of the senders.', format: 'secret', default: null },
  hmac: {
    secret: {
      doc: 'Secret with which senders sign the body, by HMAC-SHA256.',
      format: 'secret',
      default: null,
    },
    header: {
      doc: 'Header with the signature in hexadecimal digits, `sha256=` before them or not.',
      format: 'text',
      default: 'X-Signature-256',
    },
  },
} as const satisfies Schema;

type Config = ConfigOf<typeof config>;

export default defineReceiver({
  type: 'http',
  summary: 'Charges that programs push as they come up: FOCUS in NDJSON or JSON, or CloudEvents.',
  stability: 'beta',
  config,

  async *receive(context) {
    const { clock, once, signal } = context;
    check(context);
    const intake = await openIntake(context, (request) => judgePush(request, context.config));
    while (!signal.aborted) {
      yield* intake.deliveries({ scope: 'charges', mapping: 'focus', rewrite: chargeLines });
      if (once) return;
      await clock.sleep(context.config.seal_every, signal);
    }
  },
});

function check({ id, config }: ReceiverContext<Config>): void {
  const { endpoint, token, hmac, max_body, max_in_flight, spool_size } = config;
  const wrong = (name: string, message: string, hint: string) =>
    new Misconfigured(message, { path: `receivers.${id}.${name}`, hint });
  const isOpen = token === undefined && hmac.secret === undefined;
  if (isOpen && !isLoopback(parseEndpoint(endpoint, `receivers.${id}.endpoint`).host))
    throw wrong(
      'token',
      `${endpoint} can be reached from other machines, and anybody there could send charges`,
      'set token or hmac.secret, or listen on 127.0.0.1',
    );
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(hmac.header))
    throw wrong('hmac.header', `no name of a header: ${hmac.header}`, 'write X-Signature-256');
  const tooSmall = 'the largest request would not fit into it';
  if (max_in_flight < max_body)
    throw wrong('max_in_flight', tooSmall, 'write at least what max_body says');
  if (spool_size < 2 * max_body)
    throw wrong('spool_size', tooSmall, 'write at least twice max_body');
}
