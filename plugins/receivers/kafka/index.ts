import { defineReceiver } from '../../../pipelines/plugin/index.ts';
import { chargeLines } from '../../kit/charges/charges.ts';
import { openStoredIntake } from '../../kit/intake/index.ts';
import { withKafka } from '../../kit/kafka/errors.ts';
import { adviseKafka, brokersOf } from '../../kit/kafka/settings.ts';
import { openGroup } from './group.ts';
import { probeTopics } from './probe.ts';
import { pathOf, settings } from './settings.ts';
import { createTaker } from './take.ts';

export default defineReceiver({
  type: 'kafka',
  summary: 'Charges from topics of Kafka: CloudEvents, or FOCUS in NDJSON or JSON.',
  stability: 'beta',
  config: settings,
  advise: (config) => adviseKafka(config),
  probe: probeTopics,

  async *receive(context) {
    const path = pathOf(context);
    brokersOf(context.config, path);
    const kind = { scope: 'charges', mapping: 'focus', rewrite: chargeLines } as const;
    const intake = await openStoredIntake(context);
    // What an earlier run left does not wait for the brokers.
    yield* intake.deliveries(kind);
    const group = await withKafka(path, () => openGroup(context));
    try {
      const taker = createTaker({ group, intake, context });
      for (let more = true; more && !context.signal.aborted; ) {
        await withKafka(path, () => taker.take());
        yield* intake.deliveries(kind);
        more = !context.once || !(await withKafka(path, () => taker.isDone()));
      }
    } finally {
      await group.close();
    }
  },
});
