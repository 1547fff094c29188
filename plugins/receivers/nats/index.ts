import { defineReceiver } from '../../../pipelines/plugin/index.ts';
import { chargeLines } from '../../kit/charges/charges.ts';
import { openStoredIntake } from '../../kit/intake/index.ts';
import { connectNats } from '../../kit/nats/connect.ts';
import { withNats } from '../../kit/nats/errors.ts';
import { adviseNats } from '../../kit/nats/settings.ts';
import { openConsumer } from './consumer.ts';
import { fetchCharges } from './fetch.ts';
import { probeStream } from './probe.ts';
import { pathOf, settings } from './settings.ts';

export default defineReceiver({
  type: 'nats',
  summary: 'Charges from a JetStream stream of NATS: CloudEvents, or FOCUS in NDJSON or JSON.',
  stability: 'beta',
  config: settings,
  advise: (config) => adviseNats(config),
  probe: probeStream,

  async *receive(context) {
    const kind = { scope: 'charges', mapping: 'focus', rewrite: chargeLines } as const;
    const intake = await openStoredIntake(context);
    // What an earlier run left does not wait for the server.
    yield* intake.deliveries(kind);
    const path = pathOf(context);
    const connection = await connectNats(context.config, path);
    try {
      const consumer = await withNats(path, () => openConsumer(connection, context));
      const fetch = () => fetchCharges(consumer, { intake, context, connection });
      for (let more = true; more && !context.signal.aborted; ) {
        const came = await withNats(path, fetch);
        yield* intake.deliveries(kind);
        more = !context.once || came > 0;
      }
    } finally {
      await connection.close();
    }
  },
});
