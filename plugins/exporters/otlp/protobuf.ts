/** One field of a protobuf message. */
export interface Field {
  readonly number: number;
  /** Of a length-delimited field; empty otherwise. */
  readonly bytes: Uint8Array;
  /** Of a varint; zero otherwise. */
  readonly varint: bigint;
  /** Where the field stands in the message, its tag included. */
  readonly start: number;
  readonly end: number;
}

/** The fields of a message as they come; ends early at the first byte that makes no sense. */
export function* fields(message: Uint8Array): Generator<Field> {
  let at = 0;

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n && at < message.length; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return BigInt.asUintN(64, value);
  }

  while (at < message.length) {
    const start = at;
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, bytes: EMPTY, varint: varint(), start, end: at };
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        if (length > message.length - at) return;
        at += length;
        yield { number, bytes: message.subarray(at - length, at), varint: 0n, start, end: at };
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        return;
    }
  }
}

/** Text of a length-delimited field. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const EMPTY = new Uint8Array();
