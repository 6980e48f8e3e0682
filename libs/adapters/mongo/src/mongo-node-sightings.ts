import type { NodeSighting, NodeSightings } from "@veil/keys";
import type { mongo } from "mongoose";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { isAhead, isForgotten, raising } from "./raise-moments.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

const ALL_NODES = "nodes";

const sighting = z.object({ seen_at: z.number().default(0), failed_at: z.number().default(0) });
const sightingsDocument = z.object({ _id: z.literal(ALL_NODES), nodes: z.record(z.string(), sighting).default({}) });
type SightingsDocument = z.infer<typeof sightingsDocument>;

/**
 * The sightings of all nodes, in one document of the collection `nodes_seen`: a worker writes once, however many nodes
 * there are, and a reader finds it by its `_id`. It is only ever raised, so that writes may come late and in any order,
 * but for moments that lie in the future, and for nodes of which nothing was noted for a month.
 */
export class MongoNodeSightings implements NodeSightings {
  readonly #documents: mongo.Collection<SightingsDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#documents = connection.collection<SightingsDocument>("nodes_seen");
    this.#reader = new DocumentReader("nodes_seen", onUnreadable);
  }

  async note(sightings: ReadonlyMap<string, NodeSighting>, now: number): Promise<void> {
    const raised = new Map<string, number>();
    for (const [node, { seenAt, failedAt }] of sightings) {
      if (seenAt !== null) raised.set(seenPath(node), seenAt);
      if (failedAt !== null) raised.set(failedPath(node), failedAt);
    }
    if (raised.size === 0) return;
    const replaced = new Map<string, number>();
    const forgotten: string[] = [];
    for (const [node, { seenAt, failedAt }] of await this.list()) {
      if (isForgotten(Math.max(seenAt ?? 0, failedAt ?? 0), now) && !sightings.has(node))
        forgotten.push(`nodes.${node}`);
      if (isAhead(seenAt ?? 0, now)) replaced.set(seenPath(node), raised.get(seenPath(node)) ?? now);
      if (isAhead(failedAt ?? 0, now)) replaced.set(failedPath(node), raised.get(failedPath(node)) ?? now);
    }
    const update = raising<SightingsDocument>(raised, replaced, forgotten);
    await storeErrors(() => this.#documents.updateOne({ _id: ALL_NODES }, update, { upsert: true }));
  }

  async list(): Promise<ReadonlyMap<string, NodeSighting>> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: ALL_NODES }));
    if (found === null) return new Map();
    const { nodes } = this.#reader.one(sightingsDocument, found);
    return new Map(
      Object.entries(nodes).map(([node, { seen_at, failed_at }]) => [
        node,
        { seenAt: orNull(seen_at), failedAt: orNull(failed_at) },
      ]),
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
