import { startVpnClient, type VpnClient } from "../../support/vpn-client.ts";
import type { Random } from "../load/random.ts";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import type { Caller } from "../load/caller.ts";

/** A key with a real client that moves bytes through it. */
export interface MeteredKey {
  readonly keyId: number;
  readonly client: VpnClient;
}

const LARGEST_DOWNLOAD = 2_000_000;
const LARGEST_UPLOAD = 500_000;

export async function startMeteredKeys(
  testbed: FaultTestbed,
  caller: Caller,
  count: number,
): Promise<readonly MeteredKey[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const { outcome } = await caller.create(`metered-${index}`);
      if (outcome.kind !== "answered") throw new Error("a key to be metered was not created");
      const keyId = outcome.value.key_id;
      const client = await startVpnClient(testbed.xrayBinary, await testbed.client.link(keyId));
      return { keyId, client };
    }),
  );
}

/** Moves some bytes both ways with every key. A transfer that breaks off has moved a part of them. */
export async function moveBytes(keys: readonly MeteredKey[], testbed: FaultTestbed, random: Random): Promise<void> {
  await Promise.allSettled(
    keys.map(async ({ client }) => {
      const download = Math.round(random.between(1_000, LARGEST_DOWNLOAD));
      const upload = Math.round(random.between(1_000, LARGEST_UPLOAD));
      testbed.tally.bytes += await client.download(testbed.bytes.downloadUrl(download));
      await client.upload(testbed.bytes.uploadUrl, upload);
      testbed.tally.bytes += upload;
    }),
  );
}
