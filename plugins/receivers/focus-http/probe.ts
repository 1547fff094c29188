import { Misconfigured, type Probe } from '../../../pipelines/plugin/index.ts';
import { type Asked, ask, shown } from './asked.ts';
import { firstPage } from './next-page.ts';
import type { Source } from './source.ts';

/** Asks for each bill, and looks only at how the answer begins. Throws as receiving does. */
export async function probed(
  source: Source,
  bills: readonly { readonly scope: string; readonly url: URL }[],
): Promise<Probe> {
  const found: Probe['bills'][number][] = [];
  const problems: string[] = [];
  for (const { scope, url } of bills) {
    const asked = await ask(source, firstPage(url, source.config.paging), {});
    if (asked.kind === 'answer') found.push({ scope, ...(await beginningOf(asked)) });
    else problems.push(`${scope}: ${shown(url)} answers HTTP 404; there may be no charges yet`);
  }
  if (found.length === 0) throw nothingThere(source);
  const { kind } = source.config.paging;
  const more = kind === 'none' ? '' : ', first pages';
  return { source: `${template(source)}${more}`, bills: found, problems };
}

/** The error when there is no period that the API knows. */
export function nothingThere(source: Source): Misconfigured {
  return new Misconfigured(`${template(source)} is not there (HTTP 404)`, {
    path: `${source.path}.url`,
    hint: 'look for a misspelling; some APIs answer so when the token may not see the organisation',
  });
}

async function beginningOf({
  stream,
}: Extract<Asked, { readonly kind: 'answer' }>): Promise<Omit<Probe['bills'][number], 'scope'>> {
  const { headers, body } = stream;
  for await (const _ of body) break;
  return {
    revision: headers.etag ?? headers['last-modified'] ?? 'known once it is read',
    files: 1,
    bytes: Number(headers['content-length'] ?? 0),
  };
}

/** The URL as it is set, without its query. */
function template({ config }: Source): string {
  return config.url.replace(/[?#].*/s, '');
}
