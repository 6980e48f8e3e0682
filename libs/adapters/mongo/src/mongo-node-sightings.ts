import type { NodeSighting, NodeSightings } from "@veil/keys";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { isAhead, isForgotten } from "./raise-moments.ts";
import type { OnUnreadable } from "./read-documents.ts";
import { entryPath, SeenDocument } from "./seen-document.ts";

const sighting = z.object({ seen_at: z.number().default(0), failed_at: z.number().default(0) });

/**
 * The sightings of all nodes. They are only ever raised, so that writes may come late and in any order, but for moments that lie in the
 * future, and for entries that make no sense; of nodes that nobody saw for a month nothing is kept.
 */
export class MongoNodeSightings implements NodeSightings {
  readonly #document: SeenDocument<z.infer<typeof sighting>>;

  constructor(mongo: MongoConnection, onUnreadable: OnUnreadable) {
    this.#document = new SeenDocument(mongo, "nodes", sighting, onUnreadable);
  }

  async note(sightings: ReadonlyMap<string, NodeSighting>, now: number): Promise<void> {
    const noted = [...sightings].filter(([, { seenAt, failedAt }]) => seenAt !== null || failedAt !== null);
    if (noted.length === 0) return;
    const { entries, unreadable } = await this.#document.read();
    const raised = new Map<string, number>();
    const replaced = new Map<string, unknown>();
    for (const [node, { seenAt, failedAt }] of noted) {
      if (unreadable.includes(node)) replaced.set(entryPath(node), { seen_at: seenAt ?? 0, failed_at: failedAt ?? 0 });
      else {
        if (seenAt !== null) raised.set(seenPath(node), seenAt);
        if (failedAt !== null) raised.set(failedPath(node), failedAt);
      }
    }
    const dropped: string[] = [];
    for (const [node, { seen_at, failed_at }] of entries) {
      if (isAhead(seen_at, now)) replaced.set(seenPath(node), raised.get(seenPath(node)) ?? now);
      if (isAhead(failed_at, now)) replaced.set(failedPath(node), raised.get(failedPath(node)) ?? now);
      if (!sightings.has(node) && isForgotten(Math.max(seen_at, failed_at), now)) dropped.push(entryPath(node));
    }
    await this.#document.write(raised, replaced, dropped);
  }

  async list(): Promise<ReadonlyMap<string, NodeSighting>> {
    const { entries } = await this.#document.read();
    return new Map(
      entries.map(([node, { seen_at, failed_at }]) => [node, { seenAt: orNull(seen_at), failedAt: orNull(failed_at) }]),
    );
  }
}

function seenPath(node: string): string {
  return `${entryPath(node)}.seen_at`;
}

function failedPath(node: string): string {
  return `${entryPath(node)}.failed_at`;
}

function orNull(at: number): number | null {
  return at > 0 ? at : null;
}
