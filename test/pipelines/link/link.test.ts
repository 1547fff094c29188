import t from 'tap';
import { type Batch, cellText } from '../../../pipelines/focus/batch.ts';
import { linkAttributes } from '../../../pipelines/link/index.ts';
import { type BatchOptions, batchesOf, batchOf, type Row } from '../../helpers/batch.ts';

/** The attributes of each row that are not null. */
function links(batch: Batch): Record<string, string>[] {
  const columns = [...linkAttributes(batch)];
  return Array.from({ length: batch.rows }, (_, row) =>
    Object.fromEntries(
      columns.flatMap(([name, column]) => {
        const text = cellText(column, row);
        return text === undefined ? [] : [[name, text]];
      }),
    ),
  );
}

t.test('cloud.provider has values of the conventions only', async (t) => {
  const providers = {
    AWS: 'aws',
    'Amazon Web Services': 'aws',
    'Amazon Web Services EMEA SARL': 'aws',
    Microsoft: 'azure',
    'Microsoft Azure': 'azure',
    'Google Cloud': 'gcp',
    'Oracle Cloud Infrastructure': 'oracle_cloud',
    'Alibaba Cloud': 'alibaba_cloud',
    'Tencent Cloud': 'tencent_cloud',
    'IBM Cloud': 'ibm_cloud',
  };
  for (const [name, value] of Object.entries(providers))
    t.strictSame(links(batchOf([{ ServiceProviderName: name }])), [{ 'cloud.provider': value }]);
  t.strictSame(links(batchOf([{ ServiceProviderName: 'GitHub', SubAccountId: 'org' }])), [{}]);
  t.strictSame(links(batchOf([{ ServiceName: 'x', SubAccountId: '1' }])), [{}]);
});

t.test('what belongs to the cloud is linked by the same codes', async (t) => {
  const batch = batchOf([
    {
      ProviderName: 'AWS',
      SubAccountId: '123456789012',
      RegionId: 'eu-central-1',
      AvailabilityZone: 'eu-central-1a',
      ResourceId: 'arn',
    },
    { ProviderName: 'AWS', SubAccountId: '123456789012' },
  ]);
  t.strictSame(links(batch), [
    {
      'cloud.provider': 'aws',
      'cloud.account.id': '123456789012',
      'cloud.region': 'eu-central-1',
      'cloud.availability_zone': 'eu-central-1a',
      'cloud.resource_id': 'arn',
    },
    { 'cloud.provider': 'aws', 'cloud.account.id': '123456789012' },
  ]);
  const linked = linkAttributes(batch);
  t.equal(linked.get('cloud.region'), batch.columns.get('RegionId'));
  t.equal(linked.get('cloud.provider')?.codes, batch.columns.get('ProviderName')?.codes);
});

t.test('mixed providers: each charge gets its own, whatever else is in the batch', async (t) => {
  const rows: Row[] = [
    { ServiceProviderName: 'Databricks', ProviderName: 'AWS', SubAccountId: '1', ResourceId: 'a' },
    { ServiceProviderName: 'GitHub', ProviderName: 'GitHub', SubAccountId: 'org', ResourceId: 'b' },
    { ServiceProviderName: 'Google Cloud', HostProviderName: 'AWS', SubAccountId: '2' },
    { ServiceProviderName: 'Vercel', HostProviderName: 'AWS', SubAccountId: undefined },
    { ServiceProviderName: undefined },
  ];
  const wanted = [
    { 'cloud.provider': 'aws', 'cloud.account.id': '1', 'cloud.resource_id': 'a' },
    {},
    { 'cloud.provider': 'gcp', 'cloud.account.id': '2' },
    { 'cloud.provider': 'aws' },
    {},
  ];
  const layouts: BatchOptions[] = [
    {},
    { transient: ['SubAccountId', 'ServiceProviderName'] },
    { together: [['ProviderName', 'ServiceProviderName']] },
  ];
  for (const options of layouts) {
    for (const batchRows of [1, 2, 5])
      t.strictSame([...batchesOf(rows, { ...options, batchRows })].flatMap(links), wanted);
  }
});
