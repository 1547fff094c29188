/** A cluster and the bill of its nodes in one agent: the estimate is made from the bill, and stands apart from it. */
import t from 'tap';
import { openState } from '../../agent/state/sqlite-state.ts';
import { formatDecimal, sum } from '../../pipelines/focus/decimal.ts';
import { TOTAL_DIMENSIONS } from '../../pipelines/plugin/index.ts';
import { nodeOf } from '../../plugins/receivers/kubernetes/objects.ts';
import { rawNode } from '../helpers/kube-objects.ts';
import { committed, filesBelow, put, readOnce } from '../helpers/world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NODE = '0123456789abcdef0';
const CONFIGURATION = `
receivers:
  files: { paths: [./bills], settle: 0s }
  kubernetes: { cluster: prod }
exporters:
  file: { folder: ./out }
extensions:
  catalog: { built_in: false }
storage: { folder: ./state }
service:
  extensions: [catalog]
  pipelines:
    costs: { receivers: [files, kubernetes], exporters: [file] }
  telemetry: { metrics: { address: "off" } }
`;
const HEADER =
  'BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,BillingAccountId,ProviderName,ServiceCategory,ServiceName,ResourceId';

const text = (ms: number) => new Date(ms).toISOString().replace('.000', '');

/** Two charges of the node, of 2.4 and 2.4 together, on each of the last days. */
function bill(today: number): string {
  const days = [-6, -5, -4, -3, -2, -1].map((day) => today + day * DAY);
  const month = (ms: number, more: number) => {
    const at = new Date(ms);
    return text(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + more));
  };
  const rows = days.flatMap((day) =>
    ['1.8', '3'].map((amount) => {
      const costs = `0,${amount},${amount},${amount},USD`;
      const times = [month(day, 0), month(day, 1), text(day), text(day + DAY)].join(',');
      return `${costs},${times},Usage,acc,AWS,Compute,EC2,arn:aws:ec2:eu-west-1:1:instance/i-${NODE}`;
    }),
  );
  return `${[HEADER, ...rows].join('\n')}\n`;
}

/** An hour in which the node ran, as an earlier run of the receiver has left it. */
function leaveHour(folder: string, start: number): void {
  const made = text(start - 30 * DAY);
  const node = nodeOf(rawNode(NODE, { made }));
  const lines = [
    { cluster: 'prod' },
    ['meter', start / 1000 + 3600, []],
    ['object', true, node],
    ['hour', start / 1000, 3600],
    ['node', node.uid, 3600],
  ];
  const written = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  put(folder, 'state/components/kubernetes@costs/hours/meter.jsonl', written);
}

t.test('nodes cost what the bill of the same agent says, once it has', async (t) => {
  const folder = t.testdir({ bills: {}, 'focusd.yaml': CONFIGURATION });
  const now = Date.now();
  const today = Math.floor(now / DAY) * DAY;
  const lastHour = Math.floor(now / HOUR) * HOUR - HOUR;

  leaveHour(folder, lastHour - HOUR);
  await readOnce(t, folder);
  t.equal(committed(folder).at(-1)?.charges, 0);
  const letters = Object.entries(filesBelow(`${folder}/state/deadletters`));
  t.match(letters[0]?.[1].toString(), /unknown_price/, 'without a price it is a dead letter');

  put(folder, 'bills/bill.csv', bill(today));
  await readOnce(t, folder);
  leaveHour(folder, lastHour);
  await readOnce(t, folder);

  const state = openState(`${folder}/state/state`);
  t.teardown(() => state.close());
  const totals = committed(folder).flatMap(({ id }) => state.totalsOf(id));
  const source = TOTAL_DIMENSIONS.indexOf('x_CostSource');
  const effective = (of: string | null) =>
    formatDecimal(
      sum(
        totals
          .filter(({ dimensions }) => dimensions[source] === of)
          .map(({ costs }) => costs.EffectiveCost),
      ),
    );
  t.equal(effective('estimated'), '0.2', 'a 24th of 4.8');
  t.equal(effective(null), '28.8', 'the bill stands apart');
  const out = Object.values(filesBelow(`${folder}/out`)).join('\n');
  const day = text(today - 3 * DAY).slice(0, 10);
  t.match(out, `bill: files ${day}`, 'x_PriceSource says the day');
});
