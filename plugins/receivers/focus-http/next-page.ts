import { followed } from './asked.ts';
import type { Settings } from './settings.ts';

/** What there is to know of a page in order to find the next one. */
export interface Page {
  readonly url: URL;
  /** Counted from 0. */
  readonly number: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether there are charges on it. */
  readonly hasRows: boolean;
  /** Text of a field of a JSON answer. */
  readonly field: (path: string) => string | undefined;
}

type Paging = Settings['paging'];

/** The URL of the first page. */
export function firstPage(url: URL, { kind, parameter, first }: Paging): URL {
  return kind === 'page' && parameter !== undefined ? withParameter(url, parameter, first) : url;
}

/** The URL of the page after this one; undefined after the last. `start` is the URL of the period. */
export function nextPage(page: Page, paging: Paging, start: URL): URL | undefined {
  const { kind, parameter } = paging;
  if (kind === 'none') return undefined;
  if (kind === 'link') return linkTo(page);
  if (kind === 'page')
    return page.hasRows && parameter !== undefined
      ? withParameter(start, parameter, paging.first + page.number + 1)
      : undefined;
  const cursor = cursorOf(page, paging);
  if (cursor === undefined) return undefined;
  return parameter === undefined
    ? followed(page.url, cursor)
    : withParameter(start, parameter, cursor);
}

function cursorOf({ headers, field }: Page, paging: Paging): string | undefined {
  const found =
    paging.field === undefined ? headers[paging.header?.toLowerCase() ?? ''] : field(paging.field);
  return found === '' ? undefined : found;
}

/** `Link: <https://…?page=2>; rel="next"`. Source: RFC 8288. */
function linkTo({ url, headers }: Page): URL | undefined {
  for (const [, target = '', parameters = ''] of (headers.link ?? '').matchAll(LINK)) {
    const [, rel = ''] = /;\s*rel\s*=\s*"?([^";]+)/i.exec(parameters) ?? [];
    if (rel.toLowerCase().split(/\s+/).includes('next')) return followed(url, target);
  }
  return undefined;
}

const LINK = /<([^>]*)>((?:\s*;\s*[^\s"=;,]+(?:\s*=\s*(?:"[^"]*"|[^\s",;]+))?)*)/g;

function withParameter(url: URL, name: string, value: string | number): URL {
  const next = new URL(url);
  next.searchParams.set(name, String(value));
  return next;
}
