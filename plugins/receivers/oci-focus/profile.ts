/** Entries of a profile of the OCI configuration file: `user`, `fingerprint`, `key_file`, `pass_phrase`, `tenancy`, `region`, … */
export type Profile = Readonly<Record<string, string | undefined>>;

/**
 * The entries of a profile; those of `DEFAULT` hold where it has none of its own. Undefined when there is no such profile. Source: OCI
 * documentation, "SDK and CLI Configuration File".
 */
export function profileIn(text: string, name: string): Profile | undefined {
  const profiles = profilesIn(text);
  const own = profiles.get(name);
  return own === undefined
    ? undefined
    : { ...Object.fromEntries(profiles.get('DEFAULT') ?? []), ...Object.fromEntries(own) };
}

/** Names of the profiles, in order. */
export function profileNames(text: string): readonly string[] {
  return [...profilesIn(text).keys()];
}

function profilesIn(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const profiles = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/).map((one) => one.trim())) {
    const [, section] = /^\[(.+)\]$/.exec(line) ?? [];
    if (section !== undefined) {
      current = profiles.get(section.trim()) ?? new Map();
      profiles.set(section.trim(), current);
    }
    const [, key, value] = /^([^#;=[][^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && value !== '') current?.set(key, value);
  }
  return profiles;
}
