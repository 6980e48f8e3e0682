import type { JobResult, OnlineSilence } from "@veil/job-contract";
import type { Viewer } from "@veil/keys";
import { keyIdOfEmail, userEmail } from "@veil/protocols";
import { type Clock, type Logger, TimeLimitError, withinTime } from "@veil/runtime";
import { onlineKeys, type TrafficStore } from "@veil/traffic";
import { XrayError, XrayRejectedError, type XrayNode } from "@veil/xray-grpc";
import type { ActiveKeys } from "../active-keys.ts";
import { keyCounter } from "../sync/node-counters.ts";

/** A node that is asked who is connected. */
export type OnlineNode = Pick<XrayNode, "name" | "onlineUsers" | "onlineAddresses" | "readCounter">;

export interface ReadOnlineOptions {
  /** The nodes that there are at each moment. */
  readonly nodes: () => readonly OnlineNode[];
  readonly records: Pick<TrafficStore, "countedSince">;
  readonly keys: Pick<ActiveKeys, "among">;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Logger, "debug">;
}

type KeyOnline = Extract<JobResult<"read-online">, { readonly outcome: "read" }>;
type AllOnline = Extract<JobResult<"count-online">, { readonly outcome: "counted" }>;

/** The part of the caller's time that is left for the answer's own way, in milliseconds. */
const FOR_THE_ANSWER_MS = 300;
const MOST_ADDRESSES = 1_000;
/** So many of the keys that moved of late are enough to see that a node keeps no list of anybody. */
const ASKED_FOR_A_LIST = 3;

/** Asks every node from where a key is connected. A node that does not answer keeps the others' answers from nobody. */
export async function readOnline(keyId: number, deadline: number, options: ReadOnlineOptions): Promise<KeyOnline> {
  const nodes = await ofEachNode(deadline, options, async (node) => {
    const addresses = await listOf(node, keyId);
    if (addresses === "uncounted") return { name: node.name, state: addresses } as const;
    return { name: node.name, state: "read", addresses: addresses.slice(0, MOST_ADDRESSES) } as const;
  });
  return { outcome: "read", nodes };
}

/**
 * Asks every node who is connected. Of a caller with an owner that one's keys alone are counted.
 *
 * @throws {StoreUnavailableError} when the store is away
 */
export async function countOnline(
  { owner, deadline }: Viewer & { readonly deadline: number },
  options: ReadOnlineOptions,
): Promise<AllOnline> {
  const counted = await onlineKeys(options.records, options.clock.now());
  const online = new Set(counted);
  const answers = await ofEachNode(deadline, options, async (node) => {
    const users = await node.onlineUsers();
    const keyIds = users.map(keyIdOfEmail).filter((keyId) => keyId !== null);
    if (keyIds.length === 0 && !(await keepsLists(node, counted))) {
      return { name: node.name, state: "uncounted" } as const;
    }
    for (const keyId of keyIds) online.add(keyId);
    return { name: node.name, state: "read", keyIds } as const;
  });
  const seen = owner === null ? online : await options.keys.among([...online], { owner });
  const nodes = answers.map((answer) => {
    if (answer.state !== "read") return answer;
    const { name, state, keyIds } = answer;
    return { name, state, online: owner === null ? keyIds.length : keyIds.filter((keyId) => seen.has(keyId)).length };
  });
  return { outcome: "counted", online: seen.size, nodes };
}

async function ofEachNode<T>(
  deadline: number,
  { nodes, clock, log }: ReadOnlineOptions,
  ask: (node: OnlineNode) => Promise<T>,
): Promise<(T | { readonly name: string; readonly state: OnlineSilence })[]> {
  return Promise.all(
    nodes().map(async (node) => {
      try {
        return await withinTime(ask(node), deadline - FOR_THE_ANSWER_MS - clock.now());
      } catch (error) {
        if (!(error instanceof XrayError || error instanceof TimeLimitError)) throw error;
        log.debug({ node: node.name, err: error }, "the node did not tell who is online");
        return { name: node.name, state: error instanceof XrayRejectedError ? "unsupported" : "unreachable" } as const;
      }
    }),
  );
}

/**
 * Xray makes a user's list and its counters with the first connection, each where the policy asks for it: a counter without a
 * list tells that the policy lacks `statsUserOnline`.
 */
async function listOf(node: OnlineNode, keyId: number): Promise<string[] | "uncounted"> {
  const addresses = await node.onlineAddresses(userEmail(keyId));
  if (addresses !== null) return addresses;
  const [up, down] = await Promise.all([
    node.readCounter(keyCounter(keyId, "up")),
    node.readCounter(keyCounter(keyId, "down")),
  ]);
  return up === null && down === null ? [] : "uncounted";
}

/** Whether a node on which nobody is connected keeps lists, as far as keys that moved of late show it. */
async function keepsLists(node: OnlineNode, keyIds: readonly number[]): Promise<boolean> {
  const lists = await Promise.all(keyIds.slice(0, ASKED_FOR_A_LIST).map((keyId) => listOf(node, keyId)));
  return !lists.includes("uncounted");
}
