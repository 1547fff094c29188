/** Where it runs and what it is: region, zone, resource, capacity reservation. */
import {
  always,
  derive,
  first,
  is,
  lookup,
  map,
  not,
  present,
  type TextExpression,
  when,
} from '../../expressions.ts';
import { AWS_REGION_CODES, AWS_REGION_NAMES } from '../../tables/aws-regions.ts';
import type { Columns } from './columns.ts';
import { isCapacityReservation, type LineItem } from './line-items.ts';
import type { Section } from './services.ts';

/** Region and availability zone. The zone tells the region only where nothing else does. */
export function placesOf(columns: Columns): Section {
  const zone = columns.text('line_item_availability_zone');
  const code = columns.product('region_code');
  const region = columns.product('region');
  const location = derive(
    [columns.product('location'), columns.product('location_type')],
    (name, type) => (type === 'AWS Region' ? name : undefined),
  );
  const stated = derive([code, region], (one, other) => regionId(one) ?? regionId(other));
  const unstated = not(present(first(code, region)));
  const fromLocation = when(unstated, lookup(AWS_REGION_CODES, location));
  const fromZone = when(unstated, map(zone, zoneRegion));
  const id = first(stated, fromLocation, fromZone);
  return {
    columns: {
      AvailabilityZone: zone,
      RegionId: id,
      RegionName: derive([id, location], (found, name) =>
        found === undefined ? undefined : (name ?? AWS_REGION_NAMES[found] ?? found),
      ),
    },
    repairs: [
      { code: 'region_from_location', where: present(fromLocation) },
      {
        code: 'region_from_az',
        where: present(
          derive([fromLocation, fromZone], (named, guessed) =>
            named === undefined ? guessed : undefined,
          ),
        ),
      },
    ],
  };
}

/** Resource and capacity reservation. */
export function resourcesOf(columns: Columns, item: LineItem): Section {
  const id = columns.text('line_item_resource_id');
  const reservation = first(
    columns.text('capacity_reservation_capacity_reservation_arn'),
    map(columns.text('reservation_reservation_a_r_n', 'reservation_reservation_arn'), (arn) =>
      isCapacityReservation(arn) ? arn : undefined,
    ),
  );
  const status = columns.text('capacity_reservation_capacity_reservation_status');
  const unusedBox = map(columns.text('line_item_usage_type'), (usageType) =>
    /Unused(Box|Ded)/.test(usageType) ? 'Unused' : undefined,
  );
  const known = map(status, (value) => RESERVATION_STATUS[value.toLowerCase()]);
  return {
    columns: {
      ResourceId: id,
      ResourceName: when(present(id), nameTag(columns)),
      ResourceType: first(
        map(id, resourceType),
        when(
          present(id),
          when(
            is(columns.text('line_item_product_code'), 'AmazonS3'),
            always('bucket'),
            OTHER_TYPE,
          ),
        ),
      ),
      CapacityReservationId: reservation,
      CapacityReservationStatus: derive(
        [present(reservation), status, known, unusedBox, item.inCategory('Usage')],
        (reserved, given, value, unused, usage) => {
          if (reserved === undefined || usage === undefined) return undefined;
          return given === undefined ? (unused ?? 'Used') : value;
        },
      ),
    },
    repairs: [
      {
        code: 'unknown_capacity_reservation_status',
        where: present(
          derive([status, known], (given, value) => (value === undefined ? given : undefined)),
        ),
      },
    ],
  };
}

/** FOCUS wants a type for every resource; most ids that tell none are bare names. */
const OTHER_TYPE = always('Resource');

const RESERVATION_STATUS: Readonly<Record<string, string>> = {
  used: 'Used',
  'reserved-used': 'Used',
  unused: 'Unused',
};

/** `global` is no region. */
function regionId(value: string | undefined): string | undefined {
  return value === undefined || /^(global|any|n\/?a)$/i.test(value) ? undefined : value;
}

/** The region of `us-east-1a`, also of a local zone (`us-west-2-lax-1a`). */
function zoneRegion(zone: string): string | undefined {
  return /^([a-z]{2,4}(?:-[a-z]+)+-\d)(?:-[a-z]+-\d)?[a-z]$/.exec(zone)?.[1];
}

function nameTag(columns: Columns): TextExpression {
  const flat = columns.those('resource_tags/user:Name', 'resource_tags_user_name');
  const name = columns.text(...flat);
  if (!columns.input.has('resource_tags')) return name;
  const nested = map('resource_tags', (cell) => {
    const tags = columns.entries(cell);
    return tags['user:Name'] ?? tags.user_name ?? tags.Name;
  });
  return flat.length === 0 ? nested : first(name, nested);
}

/** Types that the short ids of EC2 begin with. */
const ID_PREFIXES: Readonly<Record<string, string>> = {
  i: 'instance',
  vol: 'volume',
  snap: 'snapshot',
  eni: 'network-interface',
  nat: 'natgateway',
  vpce: 'vpc-endpoint',
  tgw: 'transit-gateway',
  'tgw-attach': 'transit-gateway-attachment',
  eipalloc: 'elastic-ip',
  ami: 'image',
  vpn: 'vpn-connection',
  cr: 'capacity-reservation',
};

/** Types of services whose ARNs name none: `arn:aws:sns:us-east-1:123456789012:orders`. */
const UNTYPED: Readonly<Record<string, string>> = {
  s3: 'bucket',
  sns: 'topic',
  sqs: 'queue',
  codepipeline: 'pipeline',
  codecommit: 'repository',
};

/** The type in an ARN (its sixth field up to `/`, or the whole field when a name follows), or of a short id. */
export function resourceType(id: string): string | undefined {
  if (!id.startsWith('arn:'))
    return ID_PREFIXES[/^([a-z]+(?:-[a-z]+)?)-[0-9a-f]{8,}$/.exec(id)?.[1] ?? ''];
  const [, , service = '', , , resource = '', ...rest] = id.split(':');
  if (service === 's3') return UNTYPED.s3;
  const path = resource.replace(/^\//, '');
  const slash = path.indexOf('/');
  if (slash > 0) return path.slice(0, slash);
  return rest.length > 0 && path !== '' ? path : UNTYPED[service];
}
