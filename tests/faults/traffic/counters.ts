import { setTimeout as sleep } from "node:timers/promises";
import type { XrayNode } from "@veil/xray-gateway";
import { userEmail } from "@veil/xray-protocols";
import { inboundTag } from "../plant/start-engines.ts";
import type { Plant } from "../plant/start-plant.ts";
import type { Bytes } from "./range.ts";

/** Xray's own counters, read past everything of ours: of some keys, and of the inbound. */
export interface Counters {
  readonly keys: ReadonlyMap<number, Bytes>;
  readonly inbound: Bytes;
}

const lookAgainAfterMs = 100;

/** Waits until nothing moves any more. */
export async function readStillCounters(plant: Plant, keyIds: readonly number[]): Promise<Counters> {
  let before = await readCounters(plant, keyIds);
  while (true) {
    await sleep(lookAgainAfterMs);
    const now = await readCounters(plant, keyIds);
    if (textOfCounters(now) === textOfCounters(before)) return now;
    before = now;
  }
}

async function readCounters(plant: Plant, keyIds: readonly number[]): Promise<Counters> {
  const node = plant.xray.get(plant.node.name);
  if (node === undefined) throw new Error("the node is not connected");
  const keys = await Promise.all(
    keyIds.map(async (keyId) => [keyId, await read(node, `user>>>${userEmail(keyId)}`)] as const),
  );
  return { keys: new Map(keys), inbound: await read(node, `inbound>>>${inboundTag}`) };
}

async function read(node: XrayNode, subject: string): Promise<Bytes> {
  const [upload, download] = await Promise.all([
    node.readCounter(`${subject}>>>traffic>>>uplink`),
    node.readCounter(`${subject}>>>traffic>>>downlink`),
  ]);
  return { upload: upload ?? 0, download: download ?? 0 };
}

function textOfCounters({ keys, inbound }: Counters): string {
  return JSON.stringify([...keys.values(), inbound]);
}
