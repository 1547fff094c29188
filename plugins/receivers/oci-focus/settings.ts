import type { ConfigOf, Schema } from '../../../pipelines/plugin/index.ts';

/** The settings of `oci-focus`. */
export const settings = {
  tenancy: {
    doc: 'OCID of the tenancy whose bill is read: the name of the bucket. Left out: the one of the profile.',
    format: 'text',
    default: null,
  },
  region: {
    doc: 'Home region of the tenancy, where the reports lie. Left out: the one of the profile.',
    format: 'text',
    default: null,
  },
  prefix: {
    doc: 'What the names of the reports begin with: `FOCUS Reports/`, or `reports/cost-csv/` for the proprietary cost reports. Both say the same charges.',
    format: 'text',
    default: 'FOCUS Reports/',
  },
  namespace: {
    doc: 'Object Storage namespace of the reports.',
    format: 'text',
    default: 'bling',
  },
  endpoint: {
    doc: 'Base URL of Object Storage, for a realm other than the commercial one. Left out: https://objectstorage.REGION.oraclecloud.com.',
    format: 'url',
    default: null,
  },
  mapping: {
    doc: 'Mapping of the reports, or `auto`: found by their columns (FOCUS, cost report).',
    format: 'text',
    default: 'auto',
  },
  look_back: {
    doc: 'Months before the present one whose reports are read; Oracle keeps them for a year.',
    format: 'int',
    default: 2,
    max: 120,
  },
  interval: {
    doc: 'Pause between two looks; up to a tenth more or less by chance.',
    format: 'duration',
    default: '1h',
    min: '1m',
  },
  max_bill: {
    doc: 'Largest report that is downloaded; as much disk is needed below storage.folder while it is read.',
    format: 'bytes',
    default: '5GiB',
  },
  credentials: {
    auth: {
      doc: 'Who asks, as the OCI command line calls it: `api_key` of a user; `instance_principal`, the instance of OCI that the agent runs on; `resource_principal`, the resource whose token OCI hands to the agent.',
      format: 'choice',
      values: ['api_key', 'instance_principal', 'resource_principal'],
      default: 'api_key',
    },
    config_file: {
      doc: 'Configuration file of the OCI command line with the API key. Left out: ~/.oci/config.',
      format: 'path',
      default: null,
    },
    profile: { doc: 'Profile in that file.', format: 'text', default: 'DEFAULT' },
    user: {
      doc: 'OCID of the user, instead of a configuration file; with `fingerprint`, `tenancy`, `region` and the key.',
      format: 'text',
      default: null,
    },
    fingerprint: {
      doc: 'Fingerprint of the API key, as the console shows it.',
      format: 'text',
      default: null,
    },
    key_file: { doc: 'PEM file of the private key.', format: 'path', default: null },
    private_key: {
      doc: 'The private key itself in PEM, instead of `key_file`.',
      format: 'secret',
      default: null,
    },
    session_token: {
      doc: 'Session token of a resource principal, or the absolute path of its file: what OCI_RESOURCE_PRINCIPAL_RPST says. The key to it is `private_key`, which may be such a path too: OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM.',
      format: 'secret',
      default: null,
    },
    metadata_url: {
      doc: 'Metadata service of the instance, version 2.',
      format: 'url',
      default: 'http://169.254.169.254/opc/v2',
    },
    federation_url: {
      doc: 'Where the certificate of an instance is exchanged for a token. Left out: https://auth.REGION.REALM/v1/x509.',
      format: 'url',
      default: null,
    },
    pass_phrase: { doc: 'Pass phrase of an encrypted key.', format: 'secret', default: null },
  },
} as const satisfies Schema;

export type Settings = ConfigOf<typeof settings>;
