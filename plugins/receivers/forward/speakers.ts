import type { ClientNames } from '../../kit/intake/client-names.ts';
import type { Settings } from './settings.ts';

/** Whether a client may speak for an agent: the reason why not, or undefined. */
export type Speaks = (client: ClientNames, agent: string) => string | undefined;

/** Who may speak for which agent, as the settings bind names in certificates to names of agents. */
export function speakers({ agent_name, speaks_for }: Settings['tls']): Speaks {
  if (agent_name === 'any') return () => undefined;
  const others = new Map(
    Object.entries(speaks_for).map(([name, agents]) => [
      name,
      new Set(agents.split(',').map((agent) => agent.trim())),
    ]),
  );
  return (client, agent) => {
    const names = client[agent_name];
    const may = (name: string): boolean => {
      const also = others.get(name);
      return name === agent || also?.has(agent) === true || also?.has('*') === true;
    };
    if (names.some(may)) return undefined;
    const known = names.length === 0 ? 'no name' : names.join(', ');
    return `the certificate (${agent_name}: ${known}) may not speak for the agent ${agent}`;
  };
}
