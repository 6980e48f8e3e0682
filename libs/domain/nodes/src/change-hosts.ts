import { knowsWriteOf, remember } from "@veil/idempotency";
import { type ChangeStamp, type FleetChange, ifItFits, nodeOf } from "./change-fleet.ts";
import { type Fleet, isUnreadableNode } from "./fleet.ts";
import { type FleetHost, type HostFields, hostsOf, isOwnHostId, MOST_HOSTS, type NodeHost, placeOf } from "./hosts.ts";
import { inboundsOf } from "./inbounds.ts";

/** A host as a caller asks for it. */
export interface NewHost extends HostFields {
  readonly id: string;
  readonly node: string;
}

/** What a caller wants to be different about a host. */
export type HostChange = Partial<HostFields & Pick<FleetHost, "node">>;

const UNREADABLE: FleetChange = {
  outcome: "refused",
  detail: "a newer version wrote the host: only that one can change it",
};
/** What callers give a host that they name themselves. */
const CHOSEN_ID = /^[a-z0-9-]{1,32}$/;

/**
 * Makes a host, or puts it in the place of the one that has its id.
 *
 * @param mayMake whether one of an id that callers don't choose is made
 */
export function hostPut(fleet: Fleet, host: NewHost, mayMake: boolean, stamp: ChangeStamp): FleetChange {
  const { id, ...fields } = host;
  if (isUnreadable(fleet, id)) return UNREADABLE;
  const found = hostOf(fleet, id);
  if (found !== null && mayMake && !knowsWriteOf(found, stamp.job, stamp.now))
    return {
      outcome: "taken",
      detail: `host ${id} was made by such a request before: to make another one, use a new Idempotency-Key`,
    };
  if (found !== null) return hostChanged(fleet, id, fields, stamp);
  if (isOwnHostId(id) || !(mayMake || CHOSEN_ID.test(id))) return { outcome: "not-found" };
  const made = hostsOf(fleet).filter(({ isOwn }) => !isOwn);
  if (made.length >= MOST_HOSTS)
    return { outcome: "taken", detail: `there are ${MOST_HOSTS} hosts already: delete one first` };
  const position = Math.max(0, ...made.map((one) => one.position)) + 1;
  return stored(fleet, { ...host, position, createdAt: 0, jobs: [] }, stamp);
}

/** Changes what a host is. */
export function hostChanged(fleet: Fleet, id: string, change: HostChange, stamp: ChangeStamp): FleetChange {
  const found = hostOf(fleet, id);
  if (found === null) return { outcome: "not-found" };
  if (isUnreadable(fleet, id)) return UNREADABLE;
  if (knowsWriteOf(found, stamp.job, stamp.now)) return { outcome: "done" };
  const { of, at: _, isOwn, ...host } = found;
  const after = { ...host, ...change };
  if (!isOwn) return stored(fleet, after, stamp, host);
  if (after.node !== host.node)
    return { outcome: "refused", detail: `host ${id} belongs to node ${host.node} and can't be moved` };
  const own = host.inbound ?? of.inboundTag;
  if ((after.inbound ?? own) !== own)
    return { outcome: "refused", detail: `host ${id} belongs to the inbound ${own} and can't be moved` };
  return stored(fleet, { ...after, inbound: host.inbound }, stamp, host);
}

/** Deletes a host that an API call made. */
export function hostDeleted(fleet: Fleet, id: string): FleetChange {
  const found = hostOf(fleet, id);
  if (found === null) return { outcome: "not-found" };
  if (found.isOwn)
    return {
      outcome: "taken",
      detail: `host ${id} is deleted with its node; to hide it, set {"hidden":true}`,
    };
  return { outcome: "changed", hosts: present(fleet).filter((host) => host.id !== id) };
}

/** Whether a newer version wrote a host in a way that this one can't read. */
function isUnreadable({ unreadable }: Pick<Fleet, "unreadable">, id: string): boolean {
  return unreadable?.hosts.includes(id) === true;
}

/** The host of this id; null when there is none, or its node is gone. */
export function hostOf(fleet: Pick<Fleet, "nodes" | "hosts">, id: string): NodeHost | null {
  return hostsOf(fleet).find((host) => host.id === id) ?? null;
}

function stored(fleet: Fleet, host: FleetHost, { job, now }: ChangeStamp, before?: FleetHost): FleetChange {
  const node = nodeOf(fleet, host.node);
  if (node === null) return { outcome: "refused", detail: `there is no node ${host.node}` };
  const place = placeOf(node, host);
  if (place === null) {
    const tags = inboundsOf(node).filter(({ isLeaving }) => !isLeaving);
    const there = tags.map(({ tag }) => tag).join(", ");
    return { outcome: "refused", detail: `node ${node.name} has no inbound ${host.inbound}; available: ${there}` };
  }
  // The node's first inbound stays so under another tag.
  const after = { ...host, inbound: place.name === node.name ? null : host.inbound };
  if (before !== undefined && JSON.stringify(after) === JSON.stringify(before)) return { outcome: "done" };
  const createdAt = Math.max(host.createdAt || Math.floor(now / 1_000), node.createdAt);
  return ifItFits(fleet, {
    outcome: "changed",
    hosts: [...present(fleet).filter(({ id }) => id !== host.id), { ...after, createdAt, ...remember(host, job, now) }],
  });
}

/** What is stored of hosts whose node is there, or can be read by a newer version alone: the rest goes with the next change. */
function present(fleet: Fleet): FleetHost[] {
  const known = new Map(hostsOf(fleet).map((host) => [host.id, host]));
  return fleet.hosts.filter(
    ({ id, node, createdAt }) => isUnreadableNode(fleet, node) || known.get(id)?.createdAt === createdAt,
  );
}
