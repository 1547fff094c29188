/** What nobody takes on is not read: a source is asked again once there is room for what it says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startFocusd } from '../helpers/focusd-process.ts';
import { startHttpServer } from '../helpers/otlp-servers.ts';
import { committed, focusCsv, focusRow, put } from '../helpers/world.ts';
import { freePort } from '../interop/programs/ports.ts';

t.setTimeout(2 * 60_000);

/** As OTLP more than may wait. */
const CHARGES = 3_000;

t.test('a pull source waits for the queue before it is read again', async (t) => {
  let asked = 0;
  const bill = focusCsv(Array.from({ length: CHARGES }, (_, i) => focusRow(`${i}.25`)));
  const source = createServer((_, response) => {
    asked += 1;
    response.setHeader('content-type', 'text/csv').end(bill);
  });
  await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
  t.teardown(() => source.close());
  const port = await freePort();
  const folder = t.testdir({});
  put(
    folder,
    'focusd.yaml',
    `receivers:
  focus-http: { url: "http://127.0.0.1:${(source.address() as AddressInfo).port}/bill", interval: 1h }
exporters:
  otlp:
    endpoint: "http://127.0.0.1:${port}"
    protocol: http/protobuf
    compression: none
    logs: { max_batch_bytes: 128KiB }
    retry: { initial_interval: 10ms, max_interval: 20ms, max_elapsed_time: 100ms }
workers: 1
storage: { folder: ./state, max_queue: 1MiB }
service:
  pipelines:
    costs: { receivers: [focus-http], exporters: [otlp] }
  telemetry: { metrics: { address: "off" } }
`,
  );
  const agent = startFocusd(t, ['run'], { cwd: folder });
  const waits = await agent.said('waits before it reads from its source');
  t.match(waits.reason, /storage\.max_queue/);
  t.equal(asked, 1, 'it was read when the backend was thought to be there');
  const server = await startHttpServer(undefined, { port });
  t.teardown(() => server.close());
  await agent.said('delivery committed');
  t.equal(asked, 2, 'and once more when it was');
  agent.kill('SIGTERM');
  t.match(await agent.ended, { code: 0 });
  t.match(committed(folder), [{ charges: CHARGES }]);
});
