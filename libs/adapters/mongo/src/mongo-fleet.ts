import {
  type Fleet,
  type FleetEvent,
  type FleetNode,
  type FleetOutbox,
  type FleetStore,
  type FleetUpdate,
  inOrder,
} from "@veil/nodes";
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

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#documents = connection.collection<FleetDocument>("nodes");
    this.#reader = new DocumentReader("nodes", onUnreadable);
  }

  async revision(): Promise<number> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: FLEET_ID }, { projection: { revision: 1 } }));
    return found?.revision ?? 0;
  }

  /** @throws {UnreadableRecordError} when the document makes no sense */
  async read(): Promise<Fleet | null> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: FLEET_ID }));
    if (found === null) return null;
    const { revision, nodes } = toFleet(this.#reader.one(fleetDocument, found));
    return { revision, nodes: inOrder(nodes) };
  }

  async save(before: Fleet | null, { nodes, events = [] }: FleetUpdate): Promise<"saved" | "outdated"> {
    if (before === null) return this.#insert(nodes);
    const change = changeOf(before, nodes, events);
    const filter = { _id: FLEET_ID, revision: before.revision } as const;
    const { matchedCount } = await storeErrors(() => this.#documents.updateOne(filter, wholeUpdate(change)));
    return matchedCount === 1 ? "saved" : "outdated";
  }

  async pending(): Promise<readonly FleetEvent[]> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: FLEET_ID }));
    return found === null ? [] : toFleetEvents(this.#reader.one(fleetDocument, found));
  }

  async mark(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const unset = Object.fromEntries(ids.map((id) => [`outbox.${id}`, ""]));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- paths into the events, which the driver's types don't know
    const update = { $unset: unset } as mongo.UpdateFilter<FleetDocument>;
    await storeErrors(() => this.#documents.updateOne({ _id: FLEET_ID }, wholeUpdate(update)));
  }

  async #insert(nodes: readonly FleetNode[]): Promise<"saved" | "outdated"> {
    const documents = Object.fromEntries(nodes.map((node) => [node.name, toNodeDocument(node)]));
    try {
      await storeErrors(() => this.#documents.insertOne({ _id: FLEET_ID, revision: 1, nodes: documents }));
      return "saved";
    } catch (error) {
      if (isDuplicateKey(error)) return "outdated";
      throw error;
    }
  }
}

/** Field by field, so that what only newer versions know of a node stays, and events that are logged meanwhile go. */
function changeOf(
  { nodes: before, revision }: Fleet,
  after: readonly FleetNode[],
  events: readonly FleetEvent[],
): mongo.UpdateFilter<FleetDocument> {
  const set: Record<string, unknown> = { revision: revision + 1 };
  for (const event of events) set[`outbox.${event.id}`] = toFleetEventDocument(event);
  for (const node of after) {
    const known = before.find(({ name }) => name === node.name);
    const document = toNodeDocument(node);
    // One that was made anew under the name of one that is gone takes over nothing of it.
    if (known === undefined || known.createdAt !== node.createdAt) set[`nodes.${node.name}`] = document;
    else for (const [field, value] of Object.entries(document)) set[`nodes.${node.name}.${field}`] = value;
  }
  const names = new Set(after.map(({ name }) => name));
  const gone = before.filter(({ name }) => !names.has(name));
  const unset = Object.fromEntries(gone.map(({ name }) => [`nodes.${name}`, ""]));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- paths into the nodes, which the driver's types don't know
  return { $set: set, ...(gone.length > 0 && { $unset: unset }) } as mongo.UpdateFilter<FleetDocument>;
}
