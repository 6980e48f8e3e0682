import { once } from "node:events";
import type { Server } from "node:net";

/** Stands between a service and an engine and tells of every call that passes. */
export interface Tap {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Opens the server of a tap on a free port of this machine.
 *
 * @param open what is open through it whenever it is closed, which ends then
 */
export async function listenLocally(server: Server, open: Iterable<{ destroy(): void }>): Promise<Tap> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the tap has no port");
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
