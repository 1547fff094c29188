/** The oldest Node.js that the package runs on; `engines` in package.json, which npm only warns of. */
const OLDEST = [22, 19] as const;

/** What to say when Node.js is too old; undefined when it is not. Nothing newer than that may be imported before this was asked. */
export function tooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `focusd needs Node.js ${OLDEST.join('.')} or newer; this is ${version}`;
}
