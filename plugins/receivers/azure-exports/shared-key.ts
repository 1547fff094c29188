import { createHmac } from 'node:crypto';

/** A GET request of Blob storage that is to be signed. */
export interface Unsigned {
  readonly url: URL;
  /** Names in lower case; `x-ms-date` and `x-ms-version` among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The `Authorization` header with the key of the account. Source: Azure Storage, Authorize with Shared Key. */
export function sharedKey(request: Unsigned, account: string, key: string): string {
  const hmac = createHmac('sha256', Buffer.from(key, 'base64'));
  const signature = hmac.update(stringToSign(request, account)).digest('base64');
  return `SharedKey ${account}:${signature}`;
}

const STANDARD = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
];

function stringToSign({ url, headers }: Unsigned, account: string): string {
  const own = Object.keys(headers)
    .filter((name) => name.startsWith('x-ms-'))
    .toSorted()
    .map((name) => `${name}:${headers[name]?.trim()}`);
  const query = [...url.searchParams].map(([name, value]) => `${name.toLowerCase()}:${value}`);
  return [
    'GET',
    ...STANDARD.map((name) => headers[name] ?? ''),
    ...own,
    `/${account}${url.pathname}`,
    ...query.toSorted(),
  ].join('\n');
}
