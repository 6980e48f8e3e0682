// oxlint-disable-next-line no-restricted-imports -- hashing is arithmetic: it reaches nothing outside
import { createHash } from "node:crypto";

/** An endpoint of a Service: one address at which one pod is found. */
export interface FoundEndpoint {
  /** `host:port` of the node's gRPC API. */
  readonly address: string;
  /** Whether clients may be sent there: its pod is ready and is not being ended. */
  readonly isReady: boolean;
  /** The pod's own host name, where it keeps one for good, as in a StatefulSet. */
  readonly hostname: string | null;
  /** The machine that its pod runs on. */
  readonly machine: string | null;
  /** The pod's name, another one after each restart of most kinds of pods. */
  readonly pod: string | null;
}

/** A node as it is found: what is at its endpoints is one Xray. */
export interface FoundNode {
  /** Where it is ready; empty while it is nowhere. The preferred one comes first. */
  readonly addresses: readonly string[];
  /** Pods that are ready under its name, where there should be one. */
  readonly pods: readonly string[];
}

const NODE_NAME = /^[a-z0-9-]{1,32}$/;
const LONGEST_BEGINNING = 25;
const HASH_DIGITS = 6;

/**
 * Groups endpoints by the names of nodes. Such a name outlives the pod: it is the host name of a pod that keeps one, or else that of
 * the machine, on which a DaemonSet has one pod.
 */
export function foundNodes(endpoints: readonly FoundEndpoint[]): ReadonlyMap<string, FoundNode> {
  const named = new Map<string, FoundEndpoint[]>();
  for (const endpoint of endpoints) {
    const name = nodeNameOf(endpoint);
    const others = named.get(name);
    if (others === undefined) named.set(name, [endpoint]);
    else others.push(endpoint);
  }
  return new Map([...named].map(([name, of]) => [name, foundNode(of)]));
}

function foundNode(endpoints: readonly FoundEndpoint[]): FoundNode {
  const readyAt = new Set(endpoints.flatMap(({ isReady, address }) => (isReady ? address : [])));
  // With two families the slices of one follow those of the other: between them a pod is ready at one of its addresses alone.
  const changing = new Set(endpoints.flatMap(({ address, pod }) => (readyAt.has(address) ? [] : (pod ?? []))));
  const ready = endpoints.filter(({ isReady, pod }) => isReady && (pod === null || !changing.has(pod)));
  return {
    addresses: [...new Set(ready.map(({ address }) => address))].toSorted(byPreference),
    pods: [...new Set(ready.flatMap(({ pod }) => pod ?? []))].toSorted(),
  };
}

/** IPv4 first, as every host has it; otherwise the order says nothing, and is always the same. */
function byPreference(one: string, other: string): number {
  return Number(one.startsWith("[")) - Number(other.startsWith("[")) || (one < other ? -1 : Number(one > other));
}

function nodeNameOf({ hostname, machine, address }: FoundEndpoint): string {
  const name = hostname ?? machine ?? address.slice(0, address.lastIndexOf(":"));
  if (NODE_NAME.test(name)) return name;
  // Two names must not become one by characters that are cut off or replaced.
  const hash = createHash("sha256").update(name).digest("hex").slice(0, HASH_DIGITS);
  const beginning = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "")
    .slice(0, LONGEST_BEGINNING);
  return `${beginning.replace(/-$/, "")}-${hash}`;
}
