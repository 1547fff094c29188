import { Misconfigured } from '../../../pipelines/plugin/errors.ts';

/** Setting that errors name. */
export const STATE_SETTING = 'storage.state';

/** What a URL of a database says. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly sslmode: string | undefined;
}

/** Reads `postgres://user:password@host:5432/database`; throws `Misconfigured` when it is none. */
export function addressOf(text: string): Address {
  // A socket has no host: postgres://user@/database?host=/var/run/postgresql.
  const url = URL.parse(text.replace(/^(postgres(?:ql)?:\/\/[^/?]*@)\//, '$1localhost/'));
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol))
    throw new Misconfigured('the state is no URL of a PostgreSQL database', {
      path: STATE_SETTING,
      hint: 'write postgres://user:password@host:5432/database; what is no letter or digit in user and password is percent-encoded (@ as %40)',
    });
  const part = (value: string): string | undefined =>
    value === '' ? undefined : decodeURIComponent(value);
  const user = part(url.username);
  return {
    host: url.searchParams.get('host') ?? url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 5432 : Number(url.port),
    database: part(url.pathname.slice(1)) ?? user ?? 'focusd',
    user,
    password: part(url.password),
    sslmode: url.searchParams.get('sslmode') ?? undefined,
  };
}

/** As people may see it. */
export function nameOf({ host, port, database }: Address): string {
  return `PostgreSQL ${host}:${port}/${database}`;
}

/** Texts of the URL that must not be shown beside the URL itself. */
export function secretsIn(url: string): readonly string[] {
  const { password } = addressOf(url);
  return password === undefined ? [] : [password];
}
