/** Stands for what is never shown. */
export const MASK = '***';

/** Shorter ones would mask parts of words. */
const SHORTEST_SECRET = 4;
/** Of a text like `Bearer abc…`, the last word alone is a secret too when it is this long. */
const SHORTEST_WORD = 8;

/** Takes given secrets out of a text, as they are and as they stand in JSON or an URL; those of less than four characters stay. */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const texts = [...new Set(secrets.flatMap(withWord).flatMap(written))].sort(
    (a, b) => b.length - a.length,
  );
  return (text) => texts.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
}

function withWord(secret: string): string[] {
  const word = secret.slice(secret.lastIndexOf(' ') + 1);
  return [secret, secret.trim(), ...(word.length >= SHORTEST_WORD ? [word] : [])];
}

function written(secret: string): string[] {
  if (secret.length < SHORTEST_SECRET) return [];
  return [JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), secret];
}

const SECRET_NAME =
  /(^|[._-])(token|secret|password|passwd|authorization|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)$/i;

/** Whether something is named like a token or a password. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
