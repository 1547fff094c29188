import { errorMessage, type Tls } from '../../pipelines/plugin/index.ts';

/** What to do about the errors of sockets and TLS, by code. */
const MEANING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up at the moment',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped half way',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the server certificate is self-signed; set tls.ca to it',
  SELF_SIGNED_CERT_IN_CHAIN: 'the server certificate is of an unknown authority; set tls.ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the server certificate is of an unknown authority; set tls.ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'the server certificate is of an unknown authority; set tls.ca',
  CERT_SIGNATURE_FAILURE: 'the server certificate is not signed by the authority in tls.ca',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'the server certificate is for another name; set tls.server_name or correct the endpoint',
  CERT_HAS_EXPIRED: 'the server certificate has expired',
  CERT_NOT_YET_VALID: 'the server certificate is not valid yet',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS; is it http:// instead of https://?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'the server does not speak TLS; is it http:// instead of https://?',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'the server wants a client certificate; set tls.cert and tls.key',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'the server refused the handshake; it may want a client certificate (tls.cert, tls.key)',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA:
    'the server does not know the authority of the client certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the server refused the client certificate',
};

/** What gRPC passes on in words only, without the code. */
const CODE_BY_WORDS: readonly (readonly [words: RegExp, code: string])[] = [
  [/\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ECONNRESET|ETIMEDOUT)\b/, '$1'],
  [/unable to verify the first certificate/, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [/self-signed certificate in certificate chain/, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [/self-signed certificate/, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [/unable to get local issuer certificate/, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  [/certificate signature failure/, 'CERT_SIGNATURE_FAILURE'],
  [/does not match certificate's altnames/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [/certificate has expired/, 'CERT_HAS_EXPIRED'],
  [/certificate is not yet valid/, 'CERT_NOT_YET_VALID'],
  [/wrong version number/, 'ERR_SSL_WRONG_VERSION_NUMBER'],
  [/packet length too long/, 'ERR_SSL_PACKET_LENGTH_TOO_LONG'],
  [/alert certificate required/, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'],
  [/alert handshake failure/, 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'],
  [/alert unknown ca/, 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'],
  [/alert bad certificate/, 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE'],
];

/** Code of a system error, of the error itself or of what caused it. */
export function errorCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    const first: unknown = at instanceof AggregateError ? at.errors[0] : undefined;
    if (first instanceof Error) return errorCode(first);
  }
  return undefined;
}

/** Says what went wrong on the network, and what helps: `nothing listens there (ECONNREFUSED)`. */
export function explainNetworkError(
  error: unknown,
  target?: { readonly url: string; readonly tls?: Tls },
): string {
  const given = errorCode(error);
  const isKnown = given !== undefined && Object.hasOwn(MEANING, given);
  const code = isKnown ? given : (codeInWords(error) ?? given);
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time';
  if (code !== undefined && Object.hasOwn(MEANING, code)) {
    return `${MEANING[code]} (${code})${CUT.has(code) ? hintOfCut(target) : ''}`;
  }
  const message = errorMessage(error);
  return code === undefined || message.includes(code) ? message : `${message} (${code})`;
}

function codeInWords(error: unknown): string | undefined {
  const message = errorMessage(error);
  for (const [words, code] of CODE_BY_WORDS) {
    const found = words.exec(message);
    if (found !== null) return code === '$1' ? found[1] : code;
  }
  return undefined;
}

const CUT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** A server that misses the client certificate often just hangs up. */
function hintOfCut(target: { readonly url: string; readonly tls?: Tls } | undefined): string {
  return target?.url.startsWith('https:') === true && target.tls?.cert === undefined
    ? '; if the server wants a client certificate, set tls.cert and tls.key'
    : '';
}
