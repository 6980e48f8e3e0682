import { isDeepStrictEqual } from "node:util";
import { COALESCE_WAIT_MS } from "@veil/keys";
import { type Fleet, type FleetEvent, type FleetOutbox, type FleetStore, type FleetUpdate, inOrder } from "@veil/nodes";
import { CoalescedCalls } from "@veil/runtime";
import type { mongo } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import { wholeUpdate } from "./engine.ts";
import {
  FLEET_ID,
  type FleetDocument,
  fleetDocument,
  toFleet,
  toFleetEventDocument,
  toFleetEvents,
  toNodeDocument,
} from "./fleet-codec.ts";
import { toHostDocument } from "./host-codec.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { isDuplicateKey, storeErrors } from "./store-errors.ts";

/**
 * All nodes in one document of the collection `nodes`: it is found by its text `_id` on every engine, its revision alone says
 * whether anything changed, and of two changes that were made at once one is made anew, so that no two nodes take one address.
 *
 * Every method throws StoreUnavailableError while MongoDB is unavailable; a write may then have happened.
 */
export class MongoFleet implements FleetStore, FleetOutbox {
  readonly #documents: mongo.Collection<FleetDocument>;
  readonly #reader: DocumentReader;
  readonly #onUnreadablePath: (path: string, error: Error) => void;
  /** With hundreds of hosts the document is long: who asks while a read is under way shares the next one. */
  readonly #reads: CoalescedCalls<null, Fleet | null>;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#documents = connection.collection<FleetDocument>("nodes");
    this.#reader = new DocumentReader("nodes", onUnreadable);
    this.#onUnreadablePath = (id, error) => onUnreadable({ collection: "nodes", id, error });
    this.#reads = new CoalescedCalls(
      async (asked) => {
        const fleet = await this.#read();
        return asked.map(() => fleet);
      },
      { largest: Number.POSITIVE_INFINITY, longestWaitMs: COALESCE_WAIT_MS },
    );
  }

  async revision(): Promise<number> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: FLEET_ID }, { projection: { revision: 1 } }));
    return found?.revision ?? 0;
  }

  /** @throws {UnreadableRecordError} when the document makes no sense */
  read(): Promise<Fleet | null> {
    return this.#reads.ask(null);
  }

  async #read(): Promise<Fleet | null> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: FLEET_ID }));
    if (found === null) return null;
    const fleet = toFleet(this.#reader.one(fleetDocument, found), this.#onUnreadablePath);
    return { ...fleet, nodes: inOrder(fleet.nodes) };
  }

  async save(before: Fleet | null, after: FleetUpdate): Promise<"saved" | "outdated"> {
    if (before === null) return this.#insert(after);
    const change = changeOf(before, after);
    const filter = { _id: FLEET_ID, revision: before.revision } as const;
    const { matchedCount } = await storeErrors(() => this.#documents.updateOne(filter, wholeUpdate(change)));
    return matchedCount === 1 ? "saved" : "outdated";
  }

  async pending(): Promise<readonly FleetEvent[]> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: FLEET_ID }));
    return found === null ? [] : toFleetEvents(this.#reader.one(fleetDocument, found), this.#onUnreadablePath);
  }

  async mark(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const unset = Object.fromEntries(ids.map((id) => [`outbox.${id}`, ""]));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- paths into the events, which the driver's types don't know
    const update = { $unset: unset } as mongo.UpdateFilter<FleetDocument>;
    await storeErrors(() => this.#documents.updateOne({ _id: FLEET_ID }, wholeUpdate(update)));
  }

  async #insert({ nodes = [], hosts = [] }: FleetUpdate): Promise<"saved" | "outdated"> {
    const document = {
      revision: 1,
      nodes: Object.fromEntries(nodes.map((node) => [node.name, toNodeDocument(node)])),
      hosts: Object.fromEntries(hosts.map((host) => [host.id, toHostDocument(host)])),
    };
    try {
      await storeErrors(() => this.#documents.insertOne({ _id: FLEET_ID, ...document }));
      return "saved";
    } catch (error) {
      if (isDuplicateKey(error)) return "outdated";
      throw error;
    }
  }
}

/**
 * Field by field, so that what only newer versions know of a node or a host stays, and events that are logged meanwhile go; and
 * only what differs, as each path costs the embedded engine a pass over the document.
 */
function changeOf(before: Fleet, { nodes, hosts, events = [] }: FleetUpdate): mongo.UpdateFilter<FleetDocument> {
  const change: Paths = { $set: { revision: before.revision + 1 }, $unset: {} };
  for (const event of events) change.$set[`outbox.${event.id}`] = toFleetEventDocument(event);
  if (nodes !== undefined) enter("nodes", documentsOf(before), documentsOf({ nodes }), change);
  if (hosts !== undefined) enter("hosts", hostDocumentsOf(before), hostDocumentsOf({ hosts }), change);
  const { $set, $unset } = change;
  return { $set, ...(Object.keys($unset).length > 0 && { $unset }) };
}

interface Paths {
  readonly $set: Record<string, unknown>;
  readonly $unset: Record<string, "">;
}

type EntryDocument = Readonly<Record<string, unknown>> & { readonly created_at: number };
type Documents = ReadonlyMap<string, EntryDocument>;

function documentsOf({ nodes }: Pick<Fleet, "nodes">): Documents {
  return new Map(nodes.map((node) => [node.name, toNodeDocument(node)]));
}

function hostDocumentsOf({ hosts }: Pick<Fleet, "hosts">): Documents {
  return new Map(hosts.map((host) => [host.id, toHostDocument(host)]));
}

function enter(part: "nodes" | "hosts", before: Documents, after: Documents, { $set, $unset }: Paths): void {
  for (const [name, document] of after) {
    const known = before.get(name);
    // One that was made anew under the name of one that is gone takes over nothing of it.
    if (known?.created_at !== document.created_at) $set[`${part}.${name}`] = document;
    else for (const [field, value] of changedFields(known, document)) $set[`${part}.${name}.${field}`] = value;
  }
  for (const name of before.keys()) if (!after.has(name)) $unset[`${part}.${name}`] = "";
}

/** The changed fields only: an unchanged list may hold entries that only newer versions understand. */
function changedFields(before: EntryDocument, after: EntryDocument): [field: string, value: unknown][] {
  return Object.entries(after).filter(([field, value]) => !isDeepStrictEqual(value, before[field]));
}
