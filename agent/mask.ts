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

const WORDS =
  'token|secret|password|passwd|authorization|api[_-]?key|access[_-]?key|private[_-]?key|credentials?';
const SECRET_NAME = new RegExp(`(^|[._-])(${WORDS})$`, 'i');

/** Whether something is named like a token or a password. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Such a name and its text in JSON: as it stands, within a JSON text, or within a cell of a CSV row. */
const NAMED = new RegExp(
  String.raw`(\\?"|"")((?:[\w.-]{0,100}[._-])?(?:${WORDS}))\1(\s*:\s*)\1(?:\\\\\\"|(?!\1)(?:\\[\s\S]|[^\\]))*\1`,
  'gi',
);

/** Takes out of a row or message what is named like a token or a password, wherever JSON stands in it. */
export function maskNamed(raw: string): string {
  return maskedJson(raw).replaceAll(NAMED, `$1$2$1$3$1${MASK}$1`);
}

/** Of JSON it is also what is no text. */
function maskedJson(raw: string): string {
  if (!raw.startsWith('{')) return raw;
  try {
    return JSON.stringify(JSON.parse(raw), (name, value: unknown) =>
      isSecretName(name) ? MASK : value,
    );
  } catch {
    return raw;
  }
}
