import { setTimeout as sleep } from "node:timers/promises";
import type { XrayNode } from "@veil/xray-grpc";
import { userEmail } from "@veil/protocols";
import { INBOUND_TAG } from "@veil/engines";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import type { Bytes } from "./range.ts";

/** Xray's own counters, read past everything of ours: of some keys, and of the inbound. */
export interface Counters {
  readonly keys: ReadonlyMap<number, Bytes>;
  readonly inbound: Bytes;
}

const LOOK_AGAIN_AFTER_MS = 100;

/** Waits until nothing moves any more. */
export async function readStillCounters(testbed: FaultTestbed, keyIds: readonly number[]): Promise<Counters> {
  let before = await readCounters(testbed, keyIds);
  while (true) {
    await sleep(LOOK_AGAIN_AFTER_MS);
    const now = await readCounters(testbed, keyIds);
    if (textOfCounters(now) === textOfCounters(before)) return now;
    before = now;
  }
}

async function readCounters(testbed: FaultTestbed, keyIds: readonly number[]): Promise<Counters> {
  const node = testbed.xray.get(testbed.node.name);
  if (node === undefined) throw new Error("the node is not connected");
  const keys = await Promise.all(
    keyIds.map(async (keyId) => [keyId, await read(node, `user>>>${userEmail(keyId)}`)] as const),
  );
  return { keys: new Map(keys), inbound: await read(node, `inbound>>>${INBOUND_TAG}`) };
}

async function read(node: XrayNode, entity: string): Promise<Bytes> {
  const [upload, download] = await Promise.all([
    node.readCounter(`${entity}>>>traffic>>>uplink`),
    node.readCounter(`${entity}>>>traffic>>>downlink`),
  ]);
  return { upload: upload ?? 0, download: download ?? 0 };
}

function textOfCounters({ keys, inbound }: Counters): string {
  return JSON.stringify([...keys.values(), inbound]);
}
