import { Misconfigured } from '../../../pipelines/plugin/index.ts';
import { isLoopback } from '../../kit/endpoint.ts';
import type { Settings } from './settings.ts';
import { sharedKey, type Unsigned } from './shared-key.ts';
import { needed, type TokenWorld, tokenSource } from './tokens.ts';

/** Makes a request one that the store answers; `renew` when the last one was refused for its token. */
export type Authorize = (
  request: Unsigned,
  options: { readonly renew: boolean },
) => Promise<Unsigned>;

/** How requests prove who asks, as the settings say. `Misconfigured` when one is missing or a secret would travel in the clear. */
export function authorizer(
  { container, credentials }: Pick<Settings, 'container' | 'credentials'>,
  world: TokenWorld,
): Authorize {
  const { kind } = credentials;
  const url = new URL(container);
  if (url.protocol !== 'https:' && !isLoopback(url.hostname))
    throw new Misconfigured('credentials must not travel unencrypted', {
      path: world.path.replace(/\.credentials$/, '.container'),
      hint: 'write https:',
    });
  if (kind === 'sas') return withSas(needed(credentials.sas, `${world.path}.sas`));
  if (kind === 'shared-key') {
    const key = needed(credentials.account_key, `${world.path}.account_key`);
    return async (request) => {
      const authorization = sharedKey(request, accountOf(url), key);
      return { ...request, headers: { ...request.headers, authorization } };
    };
  }
  const token = tokenSource(credentials, kind, world);
  return async (request, options) => {
    const authorization = `Bearer ${await token(options)}`;
    return { ...request, headers: { ...request.headers, authorization } };
  };
}

function withSas(sas: string): Authorize {
  const signed = new URLSearchParams(sas.replace(/^\?/, ''));
  return async ({ url, headers }) => {
    const whole = new URL(url);
    for (const [name, value] of signed) whole.searchParams.append(name, value);
    return { url: whole, headers };
  };
}

/** `https://account.blob.core.windows.net/container`, or `http://127.0.0.1:10000/account/container` of an emulator. */
function accountOf({ hostname, pathname }: URL): string {
  const isCloud = /\.blob\./.test(hostname);
  return (isCloud ? hostname.split('.')[0] : pathname.split('/')[1]) ?? '';
}
