import {
  DEFAULT_MULTIPLIER,
  DEFAULT_NODE_GROUPS,
  type Fleet,
  type FleetEvent,
  type FleetNode,
  FIXABLE_FIELDS,
  type NodeDiscovery,
  type NodeTls,
} from "@veil/nodes";
import { z } from "zod";
import { hostDocument, toHost } from "./host-codec.ts";
import { isFirstReadable, storedInbounds, toInboundDocuments, toInbounds } from "./inbound-codec.ts";
import { readEach } from "./read-each.ts";
import { rememberedJobs, toRememberedJobs, toStoredJobs } from "./remembered-jobs-codec.ts";
import { stampDocument, stampOf, toStampDocument } from "./step-documents.ts";

export const FLEET_ID = "fleet";

const tlsDocument = z.object({
  ca_file: z.string(),
  certificate_file: z.string(),
  key_file: z.string(),
  server_name: z.string().nullable(),
});

/** Moments in milliseconds since the epoch. */
const discoveryDocument = z.object({
  service: z.string(),
  away_since: z.number().nullable(),
  gone_since: z.number().nullable(),
  drained: z.boolean(),
});

/** A node within the document of all nodes, under its name. Fields that only newer versions know stay as they are. */
const nodeDocument = z.object({
  address: z.string(),
  inbound_tag: z.string(),
  /** Missing in what was stored before nodes had several. */
  inbounds: z.array(z.unknown()).refine(isFirstReadable, "the first inbound makes no sense").default([]),
  /** Missing in what was stored before nodes could have it. */
  tls: tlsDocument.nullable().default(null),
  host: z.string().nullable().default(null),
  port: z.number().nullable().default(null),
  public_key: z.string().nullable().default(null),
  short_id: z.string().nullable().default(null),
  sni: z.string().nullable().default(null),
  /** Missing in documents from before nodes had groups. */
  groups: z.array(z.string()).default([...DEFAULT_NODE_GROUPS]),
  state: z.enum(["joining", "active", "draining", "disabled", "gone"]),
  /** Milliseconds since the epoch. */
  since: z.number(),
  /** Missing in documents of before 1.5. */
  unfilled: z.boolean().default(false),
  /** Milliseconds since the epoch. */
  regrouped_at: z.number().default(0),
  former_groups: z.array(z.string()).default([]),
  note: z.string().nullable().default(null),
  /** Missing in documents from before nodes had it. */
  multiplier: z.number().default(DEFAULT_MULTIPLIER),
  origin: z.enum(["environment", "api"]),
  /** Missing in what was stored before nodes could be found. */
  discovery: discoveryDocument.nullable().default(null),
  /** Fields that only a newer version knows are nothing here. */
  fixed: z.array(z.string()).default([]),
  position: z.number(),
  /** Unix seconds. */
  created_at: z.number(),
  ...rememberedJobs,
});
type NodeDocument = Readonly<z.infer<typeof nodeDocument>>;

/** An event that is not logged yet. */
const eventDocument = stampDocument.extend({
  revision: z.number(),
  type: z.string(),
  node: z.string(),
});
type FleetEventDocument = Readonly<z.infer<typeof eventDocument>>;

/** All nodes and what API calls decided about hosts, in one document. */
export const fleetDocument = z.object({
  _id: z.literal(FLEET_ID),
  revision: z.number(),
  /** Each is read alone: of those that only a newer version can read the others know nothing. */
  nodes: z.record(z.string(), z.unknown()).default({}),
  /** Events by their ids. Each is read alone: a version that can't read one leaves it there. */
  outbox: z.record(z.string(), z.unknown()).exactOptional(),
  /** New in 1.5. Each is read alone. */
  hosts: z.record(z.string(), z.unknown()).default({}),
});
export type FleetDocument = Readonly<z.infer<typeof fleetDocument>>;

/**
 * @param onUnreadable called with each node or host that makes no sense, by its path
 * @returns the nodes in no order
 */
export function toFleet(
  { revision, nodes, hosts }: FleetDocument,
  onUnreadable: (path: string, error: Error) => void,
): Fleet {
  const read = readEach(nodes, nodeDocument, (name, error) => onUnreadable(`nodes.${name}`, error));
  const readHosts = readEach(hosts, hostDocument, (id, error) => onUnreadable(`hosts.${id}`, error));
  const isWhole = read.unreadable.length + readHosts.unreadable.length === 0;
  return {
    revision,
    nodes: read.entries.map(([name, node]) => toNode(name, node)),
    hosts: readHosts.entries.map(([id, host]) => toHost(id, host)),
    ...(!isWhole && { unreadable: { nodes: read.unreadable, hosts: readHosts.unreadable } }),
  };
}

function toNode(name: string, node: NodeDocument): FleetNode {
  const {
    inbound_tag,
    inbounds,
    tls,
    public_key,
    short_id,
    regrouped_at,
    former_groups,
    created_at,
    fixed,
    unfilled,
    discovery,
    jobs: _jobs,
    jobs_at: _jobsAt,
    ...same
  } = node;
  return {
    name,
    ...same,
    inboundTag: inbound_tag,
    inbounds: toInbounds(inbounds),
    ...storedInbounds(inbounds),
    tls: tls === null ? null : toTls(tls),
    publicKey: public_key,
    shortId: short_id,
    isUnfilled: unfilled,
    regroupedAt: regrouped_at,
    formerGroups: former_groups,
    createdAt: created_at,
    discovery: discovery === null ? null : toDiscovery(discovery),
    fixed: FIXABLE_FIELDS.filter((field) => fixed.includes(field)),
    ...toRememberedJobs(node),
  };
}

function toTls({ ca_file, certificate_file, key_file, server_name }: z.infer<typeof tlsDocument>): NodeTls {
  return { caFile: ca_file, certificateFile: certificate_file, keyFile: key_file, serverName: server_name };
}

function toTlsDocument({ caFile, certificateFile, keyFile, serverName }: NodeTls): z.infer<typeof tlsDocument> {
  return { ca_file: caFile, certificate_file: certificateFile, key_file: keyFile, server_name: serverName };
}

function toDiscovery({ service, away_since, gone_since, drained }: z.infer<typeof discoveryDocument>): NodeDiscovery {
  return { service, awaySince: away_since, goneSince: gone_since, isDrained: drained };
}

function toDiscoveryDocument({ service, awaySince, goneSince, isDrained }: NodeDiscovery) {
  return { service, away_since: awaySince, gone_since: goneSince, drained: isDrained };
}

export function toNodeDocument(node: FleetNode): NodeDocument {
  const {
    name: _,
    inboundTag,
    inbounds,
    storedInbounds: asStored,
    tls,
    publicKey,
    shortId,
    isUnfilled,
    regroupedAt,
    formerGroups,
    createdAt,
    discovery,
    groups,
    fixed,
    jobs: _jobs,
    jobsAt: _jobsAt,
    ...same
  } = node;
  return {
    ...same,
    groups: [...groups],
    inbound_tag: inboundTag,
    inbounds: toInboundDocuments(inbounds, asStored),
    tls: tls === null ? null : toTlsDocument(tls),
    public_key: publicKey,
    short_id: shortId,
    unfilled: isUnfilled,
    regrouped_at: regroupedAt,
    former_groups: [...formerGroups],
    created_at: createdAt,
    discovery: discovery === null ? null : toDiscoveryDocument(discovery),
    fixed: [...fixed],
    ...toStoredJobs(node),
  };
}

/**
 * @param onUnreadable called with each event that makes no sense, by its path
 * @returns the events of types that this version knows, in their order
 */
export function toFleetEvents(
  { outbox = {} }: FleetDocument,
  onUnreadable: (path: string, error: Error) => void,
): FleetEvent[] {
  const read = readEach(outbox, eventDocument, (id, error) => onUnreadable(`outbox.${id}`, error));
  const events = read.entries.flatMap(([id, { revision, type, node, ...stamp }]): FleetEvent[] =>
    type === "node.drained" ? [{ id, revision, type, node, ...stampOf(stamp) }] : [],
  );
  return events.toSorted((one, other) => one.revision - other.revision);
}

export function toFleetEventDocument({ revision, type, node, ...stamp }: FleetEvent): FleetEventDocument {
  return { revision, type, node, ...toStampDocument(stamp) };
}
