import type { NodePass, NodePasses } from "@veil/nodes";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { LatestByName } from "./latest-by-name.ts";
import type { OnUnreadable } from "./read-documents.ts";

const passDocument = z.object({
  at: z.number(),
  users: z.number(),
  missing: z.number(),
  wrong: z.number(),
  orphans: z.number(),
});

/** The last pass over each node. */
export class MongoNodePasses implements NodePasses {
  readonly #notes: LatestByName<NodePass>;

  constructor(mongo: MongoConnection, onUnreadable: OnUnreadable) {
    this.#notes = new LatestByName(mongo, "passes", passDocument, onUnreadable);
  }

  async note(passes: ReadonlyMap<string, NodePass>, now: number): Promise<void> {
    const stored = new Map(
      [...passes].map(([node, { at, users, missing, wrong, orphans }]) => [
        node,
        { at, users, missing, wrong, orphans },
      ]),
    );
    await this.#notes.note(stored, now);
  }

  async list(): Promise<ReadonlyMap<string, NodePass>> {
    return this.#notes.list();
  }
}
