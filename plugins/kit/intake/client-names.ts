import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Names in the certificate that a client has shown; TLS has verified it where it is asked for. */
export interface ClientNames {
  /** DNS names, URIs and e-mail addresses of its subjectAltName. */
  readonly san: readonly string[];
  /** Common names of its subject. */
  readonly cn: readonly string[];
}

/** The names of the client at the other end; none where it has shown no certificate, or one that nobody vouches for. */
export function clientNames(socket: Pick<Socket, 'remoteAddress'> | undefined): ClientNames {
  const certificate =
    socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return { san: [], cn: [] };
  const { CN = [] } = certificate.toLegacyObject().subject;
  return { san: altNames(certificate.subjectAltName ?? ''), cn: [CN].flat() };
}

/** `DNS:a.example, URI:spiffe://b, DNS:"with, comma"`: Node writes as JSON what could be taken for two names. */
const ALT_NAME = /(?:^|, )(?:(DNS|URI|email)|[^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)/g;

/** Names of a subjectAltName as Node writes it. */
export function altNames(text: string): readonly string[] {
  return [...text.matchAll(ALT_NAME)].flatMap(([, kind, name = '']) => {
    if (kind === undefined || name === '') return [];
    return [name.startsWith('"') ? String(JSON.parse(name)) : name];
  });
}
