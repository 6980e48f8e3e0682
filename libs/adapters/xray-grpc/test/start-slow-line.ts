import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A way to an Xray over which its answers come at so many bytes a second, and what is sent at once. */
export interface SlowLine {
  /** `host:port`, in place of Xray's own. */
  readonly address: string;
  close(): void;
}

/** So often a share of a second passes. */
const TICKS_PER_SECOND = 50;

/** @param address of the gRPC API of the Xray */
export async function startSlowLine(address: string, bytesPerSecond: number): Promise<SlowLine> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(portOf(address), "127.0.0.1");
    for (const [socket, peer] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => peer.destroy());
    }
    client.pipe(upstream);
    void carrySlowly(upstream, client, Math.ceil(bytesPerSecond / TICKS_PER_SECOND));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const own = server.address();
  if (own === null || typeof own === "string") throw new Error("the slow line has no port");
  return {
    address: `127.0.0.1:${own.port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function carrySlowly(from: Socket, to: Socket, bytesPerTick: number): Promise<void> {
  try {
    for await (const chunk of from) {
      if (!Buffer.isBuffer(chunk)) continue;
      for (let start = 0; start < chunk.length && !to.destroyed; start += bytesPerTick) {
        to.write(chunk.subarray(start, start + bytesPerTick));
        await sleep(1_000 / TICKS_PER_SECOND);
      }
    }
  } catch {
    // The other end is gone, and this one with it.
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
