import { setTimeout as sleep } from "node:timers/promises";
import type { ByteServer } from "../../support/byte-server.ts";
import type { VpnClient } from "../../support/vpn-client.ts";

/** People who move bytes through the tunnel until they are stopped, and try again when it breaks. */
export interface Surfing {
  readonly failures: () => number;
  stop(): Promise<void>;
}

const PAUSE_MS = 400;
const DOWNLOAD_BYTES = 600_000;
const UPLOAD_BYTES = 150_000;

export function keepSurfing(clients: readonly VpnClient[], bytes: ByteServer): Surfing {
  let isStopped = false;
  let failures = 0;
  const surfing = clients.map(async (client, index) => {
    while (!isStopped) {
      try {
        await client.download(bytes.downloadUrl(DOWNLOAD_BYTES * (index + 1)));
        await client.upload(bytes.uploadUrl, UPLOAD_BYTES * (index + 1));
      } catch {
        failures += 1;
      }
      await sleep(PAUSE_MS);
    }
  });
  return {
    failures: () => failures,
    stop: async () => {
      isStopped = true;
      // A client that hangs in a tunnel is cut off with it.
      await Promise.all(clients.map((client) => client.stop()));
      await Promise.all(surfing);
    },
  };
}
