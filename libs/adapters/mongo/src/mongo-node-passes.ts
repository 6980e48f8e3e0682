import type { NodePass, NodePasses } from "@veil/nodes";
import type { mongo } from "mongoose";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
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
 * The last pass over each node, in one document of the collection `nodes_seen`. A pass is only ever replaced by a later one:
 * engines compare documents field by field, and `at` comes first.
 */
export class MongoNodePasses implements NodePasses {
  readonly #documents: mongo.Collection<PassesDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#documents = connection.collection<PassesDocument>("nodes_seen");
    this.#reader = new DocumentReader("nodes_seen", onUnreadable);
  }

  async note(passes: ReadonlyMap<string, NodePass>): Promise<void> {
    if (passes.size === 0) return;
    const raise = Object.fromEntries(
      [...passes].map(([node, { at, users, missing, wrong, orphans }]) => [
        `nodes.${node}`,
        { at, users, missing, wrong, orphans },
      ]),
    );
    await storeErrors(() => this.#documents.updateOne({ _id: ALL_PASSES }, { $max: raise }, { upsert: true }));
  }

  async list(): Promise<ReadonlyMap<string, NodePass>> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: ALL_PASSES }));
    return new Map(found === null ? [] : Object.entries(this.#reader.one(passesDocument, found).nodes));
  }
}
