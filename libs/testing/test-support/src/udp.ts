import { createSocket } from "node:dgram";
import { type EventEmitter, once } from "node:events";
import { connect, type Socket } from "node:net";

/** A service on this machine that sends each datagram back. */
export interface UdpEcho {
  readonly port: number;
  /** How many datagrams came so far. */
  heard(): number;
  close(): void;
}

export async function startUdpEcho(): Promise<UdpEcho> {
  let heard = 0;
  const socket = createSocket("udp4");
  socket.on("message", (message, { address, port }) => {
    heard += 1;
    socket.send(message, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { port: socket.address().port, heard: () => heard, close: () => socket.close() };
}

/** Where a datagram goes. */
export interface UdpTarget {
  /** An IPv4 address. */
  readonly host: string;
  readonly port: number;
}

const IPV4_HEADER_BYTES = 10;

/**
 * Sends one datagram through the UDP association of a SOCKS 5 proxy on this machine (RFC 1928, section 7).
 *
 * @param withinMs how long the answer may take
 * @returns the first datagram that comes back; null for none
 */
export async function askByUdp(
  socksPort: number,
  { host, port }: UdpTarget,
  datagram: Buffer,
  withinMs = 1_000,
): Promise<Buffer | null> {
  const control = connect(socksPort, "127.0.0.1");
  control.on("error", () => control.destroy());
  const socket = createSocket("udp4");
  try {
    await replyTo(control, [5, 1, 0]);
    const reply = await replyTo(control, [5, 3, 0, 1, 0, 0, 0, 0, 0, 0]);
    const relayPort = reply.readUInt16BE(reply.length - 2);
    const answer = nextBuffer(socket, "message", AbortSignal.timeout(withinMs)).catch(() => null);
    const header = Buffer.from([0, 0, 0, 1, ...host.split(".").map(Number), port >> 8, port & 0xff]);
    socket.send(Buffer.concat([header, datagram]), relayPort, "127.0.0.1");
    return (await answer)?.subarray(IPV4_HEADER_BYTES) ?? null;
  } finally {
    socket.close();
    control.destroy();
  }
}

async function replyTo(control: Socket, request: readonly number[]): Promise<Buffer> {
  control.write(Buffer.from(request));
  return nextBuffer(control, "data");
}

async function nextBuffer(from: EventEmitter, event: string, signal?: AbortSignal): Promise<Buffer> {
  const values: readonly unknown[] = await once(from, event, signal === undefined ? {} : { signal });
  const [bytes] = values;
  if (!Buffer.isBuffer(bytes)) throw new Error(`${event} brought no bytes`);
  return bytes;
}
