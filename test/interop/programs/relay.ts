import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request on its way, as it came. */
export interface Passing {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** What happens to a request instead of its answer: another answer, or the answer's end after some bytes of its body. */
export type Fault =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | { readonly cutAfter: number };

/** Stands between a client and a server on loopback; hosts, headers and bodies pass as they are, so that signatures hold. */
export interface Relay {
  readonly url: string;
  /** All that came through, in order. */
  readonly passed: readonly Passing[];
  /** Asked for each request, before it goes on. */
  fault: (passing: Passing) => Fault | undefined | Promise<Fault | undefined>;
  stop(): void;
}

/** Starts a relay to the server at a base URL; paths may be bent on the way, where nothing is signed. */
export async function startRelay(
  target: string,
  bent: (path: string) => string = (path) => path,
): Promise<Relay> {
  const passed: Passing[] = [];
  const relay = { passed, fault: (_: Passing): ReturnType<Relay['fault']> => undefined };
  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const path = bent(url);
    const passing = { method, path, headers: headers as Passing['headers'] };
    passed.push(passing);
    const fault = await relay.fault(passing);
    if (fault !== undefined && 'status' in fault)
      outgoing.writeHead(fault.status, fault.headers).end(fault.body);
    else passOn({ incoming, outgoing, target, path, cutAfter: fault?.cutAfter });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(relay, {
    url: `http://127.0.0.1:${port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  });
}

function passOn(of: {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly target: string;
  readonly path: string;
  readonly cutAfter: number | undefined;
}): void {
  const { incoming, outgoing, target, path, cutAfter } = of;
  const { method, headers } = incoming;
  const { hostname, port } = new URL(target);
  const onward = request({ hostname, port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    if (cutAfter === undefined) answer.pipe(outgoing);
    else cut(answer, outgoing, cutAfter);
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}

/** Sends the first bytes of an answer, then ends the connection. */
function cut(answer: IncomingMessage, outgoing: ServerResponse, after: number): void {
  let left = after;
  answer.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    const piece = chunk.subarray(0, left);
    left -= piece.length;
    outgoing.write(piece, () => {
      if (left <= 0) {
        outgoing.socket?.end(() => outgoing.destroy());
        answer.destroy();
      }
    });
  });
}
