import type { NodePass, NodePasses } from "@veil/nodes";
import type { mongo } from "mongoose";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { isAhead, raising } from "./raise-moments.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

const ALL_PASSES = "passes";

const passDocument = z.object({
  at: z.number(),
  users: z.number(),
  missing: z.number(),
  wrong: z.number(),
  orphans: z.number(),
});
const passesDocument = z.object({
  _id: z.literal(ALL_PASSES),
  nodes: z.record(z.string(), passDocument).default({}),
});
type PassesDocument = z.infer<typeof passesDocument>;

/**
 * The last pass over each node, in one document of the collection `nodes_seen`. A pass is only ever replaced by a later one, but
 * for one that is dated in the future: engines compare documents field by field, and `at` comes first.
 */
export class MongoNodePasses implements NodePasses {
  readonly #documents: mongo.Collection<PassesDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#documents = connection.collection<PassesDocument>("nodes_seen");
    this.#reader = new DocumentReader("nodes_seen", onUnreadable);
  }

  async note(passes: ReadonlyMap<string, NodePass>, now: number): Promise<void> {
    if (passes.size === 0) return;
    const known = await this.list();
    const raised = new Map<string, NodePass>();
    const replaced = new Map<string, NodePass>();
    for (const [node, { at, users, missing, wrong, orphans }] of passes) {
      const change = isAhead(known.get(node)?.at ?? 0, now) ? replaced : raised;
      change.set(`nodes.${node}`, { at, users, missing, wrong, orphans });
    }
    const update = raising<PassesDocument>(raised, replaced);
    await storeErrors(() => this.#documents.updateOne({ _id: ALL_PASSES }, update, { upsert: true }));
  }

  async list(): Promise<ReadonlyMap<string, NodePass>> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: ALL_PASSES }));
    return new Map(found === null ? [] : Object.entries(this.#reader.one(passesDocument, found).nodes));
  }
}
