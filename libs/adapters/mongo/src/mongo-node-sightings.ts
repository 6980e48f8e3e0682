import type { NodeSighting, NodeSightings } from "@veil/keys";
import type { mongo } from "mongoose";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { isAhead, isForgotten, raising } from "./raise-moments.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { readEach, type ReadEntries } from "./read-each.ts";
import { storeErrors } from "./store-errors.ts";

const ALL_NODES = "nodes";

const sighting = z.object({ seen_at: z.number().default(0), failed_at: z.number().default(0) });
/** Each node's entry is read alone. */
const sightingsDocument = z.object({ _id: z.literal(ALL_NODES), nodes: z.record(z.string(), z.unknown()).default({}) });
type SightingsDocument = z.infer<typeof sightingsDocument>;

/**
 * The sightings of all nodes, in one document of the collection `nodes_seen`: a worker writes once, however many nodes
 * there are, and a reader finds it by its `_id`. It is only ever raised, so that writes may come late and in any order,
 * but for moments that lie in the future, and for entries that make no sense; of nodes that nobody saw for a month nothing is kept.
 */
export class MongoNodeSightings implements NodeSightings {
  readonly #documents: mongo.Collection<SightingsDocument>;
  readonly #reader: DocumentReader;
  readonly #onUnreadable: OnUnreadable;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#onUnreadable = onUnreadable;
    this.#documents = connection.collection<SightingsDocument>("nodes_seen");
    this.#reader = new DocumentReader("nodes_seen", onUnreadable);
  }

  async note(sightings: ReadonlyMap<string, NodeSighting>, now: number): Promise<void> {
    const noted = [...sightings].filter(([, { seenAt, failedAt }]) => seenAt !== null || failedAt !== null);
    if (noted.length === 0) return;
    const { entries, unreadable } = await this.#read();
    const raised = new Map<string, number>();
    const replaced = new Map<string, unknown>();
    for (const [node, { seenAt, failedAt }] of noted) {
      if (unreadable.includes(node)) replaced.set(`nodes.${node}`, { seen_at: seenAt ?? 0, failed_at: failedAt ?? 0 });
      else {
        if (seenAt !== null) raised.set(seenPath(node), seenAt);
        if (failedAt !== null) raised.set(failedPath(node), failedAt);
      }
    }
    const dropped: string[] = [];
    for (const [node, { seen_at, failed_at }] of entries) {
      if (isAhead(seen_at, now)) replaced.set(seenPath(node), raised.get(seenPath(node)) ?? now);
      if (isAhead(failed_at, now)) replaced.set(failedPath(node), raised.get(failedPath(node)) ?? now);
      if (!sightings.has(node) && isForgotten(Math.max(seen_at, failed_at), now)) dropped.push(`nodes.${node}`);
    }
    const update = raising<SightingsDocument>(raised, replaced, dropped);
    await storeErrors(() => this.#documents.updateOne({ _id: ALL_NODES }, update, { upsert: true }));
  }

  async list(): Promise<ReadonlyMap<string, NodeSighting>> {
    const { entries } = await this.#read();
    return new Map(
      entries.map(([node, { seen_at, failed_at }]) => [node, { seenAt: orNull(seen_at), failedAt: orNull(failed_at) }]),
    );
  }

  async #read(): Promise<ReadEntries<z.infer<typeof sighting>>> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: ALL_NODES }));
    const { nodes } = found === null ? { nodes: {} } : this.#reader.one(sightingsDocument, found);
    return readEach(nodes, sighting, (node, error) =>
      this.#onUnreadable({ collection: "nodes_seen", id: `nodes.${node}`, error }),
    );
  }
}

function seenPath(node: string): string {
  return `nodes.${node}.seen_at`;
}

function failedPath(node: string): string {
  return `nodes.${node}.failed_at`;
}

function orNull(at: number): number | null {
  return at > 0 ? at : null;
}
