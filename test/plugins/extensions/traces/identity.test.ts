import t from 'tap';
import {
  attributesOfService,
  DEFAULT_KEYS,
  derivedKeys,
  KEY_ATTRIBUTES,
  keysOf,
  lastSegment,
  serviceOf,
} from '../../../../plugins/extensions/traces/identity.ts';

const ALL = new Set<string>(KEY_ATTRIBUTES);
const LAMBDA = 'arn:aws:lambda:eu-west-1:1:function:resize';
const APP = '/subscriptions/1/resourceGroups/Shop/providers/Microsoft.Web/sites/Resize';

/** ResourceId of a charge, attributes of a span's resource, by which they find each other, whether the id is the same. */
const FIND: readonly (readonly [string, Readonly<Record<string, string>>, string, boolean])[] = [
  ['i-0123456789abcdef0', { 'host.id': 'i-0123456789abcdef0' }, 'host.id', true],
  [
    'arn:aws:ec2:eu-west-1:1:instance/i-0123456789abcdef0',
    { 'host.id': 'i-0123456789abcdef0' },
    'host.id',
    false,
  ],
  [
    'i-0123456789abcdef0',
    { 'cloud.resource_id': 'arn:aws:ec2:eu-west-1:1:instance/i-0123456789abcdef0' },
    'host.id',
    true,
  ],
  [
    'arn:aws-cn:eks:cn-north-1:1:pod/shop/checkout/pay-7f9c/0A1B2C3D-aaaa-bbbb-cccc-0123456789ab',
    { 'k8s.pod.uid': '0a1b2c3d-aaaa-bbbb-cccc-0123456789ab' },
    'k8s.pod.uid',
    false,
  ],
  [
    '0a1b2c3d-aaaa-bbbb-cccc-0123456789ab',
    { 'k8s.pod.uid': '0a1b2c3d-aaaa-bbbb-cccc-0123456789ab' },
    'k8s.pod.uid',
    true,
  ],
  [LAMBDA, { 'cloud.resource_id': LAMBDA }, 'cloud.resource_id', true],
  [LAMBDA, { 'aws.lambda.invoked_arn': `${LAMBDA}:live` }, 'cloud.resource_id', true],
  [`${LAMBDA}:7`, { 'cloud.resource_id': LAMBDA }, 'cloud.resource_id', false],
  [LAMBDA, { 'faas.name': 'resize' }, 'faas.name', false],
  [
    'arn:aws:ecs:eu-west-1:1:task/shop/0a1b',
    { 'aws.ecs.task.arn': 'arn:aws:ecs:eu-west-1:1:task/shop/0a1b' },
    'aws.ecs.task.arn',
    true,
  ],
  ['arn:aws:ecs:eu-west-1:1:service/shop/cart', { 'service.name': 'cart' }, 'service.name', false],
  [APP.toLowerCase(), { 'cloud.resource_id': APP }, 'cloud.resource_id', true],
  [APP, { 'cloud.resource_id': `${APP}/functions/Thumb` }, 'cloud.resource_id', true],
  [
    '//compute.googleapis.com/projects/1/zones/z/instances/4567890123456789012',
    { 'host.id': '4567890123456789012' },
    'host.id',
    false,
  ],
  [
    '//run.googleapis.com/projects/p/locations/l/services/cart',
    { 'faas.name': 'cart' },
    'faas.name',
    false,
  ],
];

t.test('bills and traces find each other', async (t) => {
  for (const [resourceId, attributes, attribute, isSame] of FIND) {
    const keys = keysOf(attributes, ALL);
    const found = derivedKeys(resourceId).find(({ key }) => keys.includes(key));
    t.match(found, { attribute, isSame }, `${resourceId} ${Object.keys(attributes)}`);
    const segments = resourceId.toLowerCase().split(/[/:]/).slice(-2);
    t.ok(
      keys.map(lastSegment).some((segment) => segments.includes(segment)),
      'the workers choose it',
    );
  }
});

t.test('others do not', async (t) => {
  for (const [resourceId, attributes] of [
    ['i-0123456789abcdef1', { 'host.id': 'i-0123456789abcdef0' }],
    [`${LAMBDA}2`, { 'cloud.resource_id': LAMBDA }],
    ['resize', { 'faas.name': 'resize' }],
    ['arn:aws:s3:::resize', { 'faas.name': 'resize' }],
    ['', { 'host.id': '' }],
  ] as const) {
    const keys = keysOf(attributes, ALL);
    t.same(
      derivedKeys(resourceId).filter(({ key }) => keys.includes(key)),
      [],
      resourceId,
    );
  }
});

t.test('what is billed by use has no idle', async (t) => {
  const byUse = (id: string) => derivedKeys(id).map(({ isByUse }) => isByUse);
  t.same(new Set(byUse(LAMBDA)), new Set([true]));
  t.same(new Set(byUse('//run.googleapis.com/projects/p/locations/l/services/c')), new Set([true]));
  t.same(new Set(byUse('i-0123456789abcdef0')), new Set([false]));
});

t.test('only the keys that are wanted', async (t) => {
  const attributes = { 'host.id': 'i-1', 'service.name': 'a', 'faas.invocation_id': 'x' };
  t.same(keysOf(attributes, new Set(DEFAULT_KEYS)), ['host.id:i-1']);
  t.same(keysOf(attributes, ALL), ['host.id:i-1', 'faas.invocation_id:x', 'service.name:a']);
});

t.test('services', async (t) => {
  const attributes = {
    'service.name': 'a',
    'service.namespace': 'shop',
    'deployment.environment.name': 'live',
  };
  t.same(attributesOfService(serviceOf(attributes) ?? ''), attributes);
  const { 'service.name': name } = attributes;
  t.same(attributesOfService(serviceOf({ 'service.name': name }) ?? ''), { 'service.name': name });
  t.match(
    attributesOfService(serviceOf({ 'service.name': 'a', 'deployment.environment': 'old' }) ?? ''),
    {
      'deployment.environment.name': 'old',
    },
  );
  t.equal(serviceOf({ 'service.namespace': 'shop' }), undefined);
});
