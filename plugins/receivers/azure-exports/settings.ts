import type { ConfigOf, Schema } from '../../../pipelines/plugin/index.ts';
import { receivingSettings } from '../../kit/objects/settings.ts';

/** The settings of `azure-exports`. */
export const settings = {
  container: {
    doc: 'URL of the Blob container of the exports, for example https://acmebilling.blob.core.windows.net/exports.',
    format: 'url',
  },
  prefix: {
    doc: 'Folder of the exports in the container, as set in the export. Left out: the whole container is listed.',
    format: 'text',
    default: null,
  },
  mapping: {
    doc: 'Mapping of the bills, or `auto`: found by their columns (FOCUS, actual cost, amortized cost).',
    format: 'text',
    default: 'auto',
  },
  look_back: {
    doc: 'Closed months before the present one that are still read when Azure exports them anew.',
    format: 'int',
    default: 2,
    max: 120,
  },
  ...receivingSettings,
  credentials: {
    kind: {
      doc: 'How the agent proves who it is.',
      format: 'choice',
      values: ['managed-identity', 'workload-identity', 'client-secret', 'sas', 'shared-key'],
      default: 'managed-identity',
    },
    tenant_id: {
      doc: 'Entra tenant, for workload-identity and client-secret.',
      format: 'text',
      default: null,
    },
    client_id: {
      doc: 'Application for workload-identity and client-secret; for managed-identity the user-assigned one, left out: the one of the system.',
      format: 'text',
      default: null,
    },
    client_secret: { doc: 'Secret of the application.', format: 'secret', default: null },
    token_file: {
      doc: 'File of the federated token, for workload-identity; read again for each new token.',
      format: 'path',
      default: '/var/run/secrets/azure/tokens/azure-identity-token',
    },
    authority: {
      doc: 'Base URL of Entra; other clouds have others.',
      format: 'url',
      default: 'https://login.microsoftonline.com',
    },
    metadata_endpoint: {
      doc: 'Base URL of the instance metadata service, for managed-identity.',
      format: 'url',
      default: 'http://169.254.169.254',
    },
    sas: {
      doc: 'Shared access signature with the permissions read and list on the container.',
      format: 'secret',
      default: null,
    },
    account_key: {
      doc: 'Key of the storage account, for shared-key: for emulators and tests, it may do everything.',
      format: 'secret',
      default: null,
    },
  },
} as const satisfies Schema;

export type Settings = ConfigOf<typeof settings>;
