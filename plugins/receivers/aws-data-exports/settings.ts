import type { ConfigOf, Schema } from '../../../pipelines/plugin/index.ts';
import { receivingSettings } from '../../kit/objects/settings.ts';

/** The settings of `aws-data-exports`. */
export const settings = {
  bucket: { doc: 'S3 bucket of the export.', format: 'text' },
  prefix: {
    doc: 'Where the export lies in the bucket: its S3 path prefix and name. Left out: the whole bucket is listed.',
    format: 'text',
    default: null,
  },
  region: { doc: 'Region of the bucket.', format: 'text', default: 'us-east-1' },
  endpoint: {
    doc: 'Base URL of an S3-compatible store, or of a VPC endpoint; buckets are then named in the path. Left out: AWS.',
    format: 'url',
    default: null,
  },
  mapping: {
    doc: 'Mapping of the bills, or `auto`: found by their columns (FOCUS, CUR 2.0, legacy CUR).',
    format: 'text',
    default: 'auto',
  },
  look_back: {
    doc: 'Closed months before the present one that are still read when AWS restates them.',
    format: 'int',
    default: 2,
    max: 120,
  },
  ...receivingSettings,
  request_payer: {
    doc: 'Agree to pay for the requests, for a bucket set to requester pays.',
    format: 'flag',
    default: false,
  },
  credentials: {
    profile: {
      doc: 'Profile of the AWS configuration files. Left out: environment, web identity (IRSA), Pod Identity, container or instance role, in the order of the AWS SDK.',
      format: 'text',
      default: null,
    },
    access_key_id: { doc: 'Access key, instead of the above.', format: 'text', default: null },
    secret_access_key: { doc: 'Its secret.', format: 'secret', default: null },
    role_arn: {
      doc: 'Role to assume with these credentials, for a bucket of another account.',
      format: 'text',
      default: null,
    },
    external_id: { doc: 'External id that the role asks for.', format: 'secret', default: null },
  },
} as const satisfies Schema;

export type Settings = ConfigOf<typeof settings>;
