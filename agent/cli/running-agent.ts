import type { Configuration } from '../../config/validate.ts';
import type { Http } from '../../pipelines/plugin/contract.ts';
import { errorMessage, Misconfigured, Unavailable } from '../../pipelines/plugin/errors.ts';
import type { Inspection } from '../../pipelines/plugin/inspection.ts';

/** Where the debug pages of the agent with this configuration are, `http://127.0.0.1:13134`; undefined when it has none. */
export function debugUrl({ extensions }: Configuration): string | undefined {
  const endpoint = extensions.find(({ type }) => type === 'debug')?.settings.endpoint;
  return typeof endpoint === 'string' ? `http://${endpoint}` : undefined;
}

/** The same; `Misconfigured` when it has none. */
export function requireDebugUrl(configuration: Configuration): string {
  const url = debugUrl(configuration);
  if (url !== undefined) return url;
  throw new Misconfigured(`${configuration.file} has no extension debug that could be asked`, {
    path: 'extensions',
    hint: 'add extensions: { debug: {} } and service: { extensions: [debug] }; the running agent takes it over',
  });
}

const WITHIN_MS = 5_000;

/** What the running agent says of itself. Throws `Unavailable` when it does not answer. */
export async function askAgent(http: Http, url: string): Promise<Inspection> {
  const address = URL.parse('/debug.json', url)?.href;
  if (address === undefined)
    throw new Misconfigured(`"${url}" is no URL`, { hint: 'for example http://127.0.0.1:13134' });
  const { status, body } = await http
    .request({ url: address, timeoutMs: WITHIN_MS })
    .catch((cause: unknown) => {
      const reason = errorMessage(cause);
      throw new Unavailable(`no agent answers: ${reason}`, { cause });
    });
  const text = Buffer.from(body).toString();
  if (status !== 200) throw new Unavailable(`${address} answers ${status}: ${text.slice(0, 200)}`);
  return inspectionOf(text, address);
}

function inspectionOf(text: string, address: string): Inspection {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === 'object' && answer !== null && 'components' in answer)
      return answer as Inspection;
  } catch {}
  throw new Unavailable(`${address} is no debug page of focusd`);
}
