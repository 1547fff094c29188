/** What the synchronous functions of Node's zlib are made of, in every version from 8 on; it is not documented. */
export interface SyncZlib {
  readonly handle: {
    onerror: (message: string, errno: number, code: string) => void;
    writeSync(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputLength: number,
      output: Uint8Array,
      outputAt: number,
      outputLength: number,
    ): void;
  };
  /** What the last write left: bytes of output that are free, bytes of input that were not taken. */
  readonly left: Uint32Array;
}

/** Of a stream of zlib; undefined: this Node has it no more. */
export function syncZlib(stream: object): SyncZlib | undefined {
  const { _handle: handle, _writeState: left } = stream as Opened;
  if (typeof handle?.writeSync !== 'function' || left?.length !== 2) return undefined;
  return { handle, left };
}

interface Opened {
  readonly _handle?: SyncZlib['handle'];
  readonly _writeState?: Uint32Array;
}
