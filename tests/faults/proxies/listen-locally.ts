import { once } from "node:events";
import type { Server, Socket } from "node:net";

/** Stands between a service and an engine and reports every call that passes. */
export interface FaultProxy {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Opens the server of a proxy on a free port of this machine.
 *
 * @param open its connections, which are closed with it
 */
export async function listenLocally(server: Server, open: Iterable<{ destroy(): void }>): Promise<FaultProxy> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    port: address.port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const each of open) each.destroy();
      await closed;
    },
  };
}

/** Has each of two sockets end with the other, and notes both among those that are open as long as they are. */
export function endTogether(one: Socket, other: Socket, open: Set<Socket>): void {
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      open.delete(socket);
      peer.destroy();
    });
  }
}
