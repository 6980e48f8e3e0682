import { type NodeState, type NodeStates, StoreUnavailableError } from "@veil/keys";
import { errorMessage } from "@veil/runtime";
import type { Connection, mongo } from "mongoose";
import { z } from "zod";
import { byId, FindById } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { wholeUpdate } from "./engine.ts";
import { allIdsOf, removeMany } from "./many-entities.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

/** Replaced as a whole by `$max`, so that the highest revision stands. Unix seconds. */
const stateDocument = z.object({
  revision: z.number(),
  is_down: z.boolean(),
  outbox: z.array(z.object({ id: z.string(), is_down: z.boolean(), at: z.number() })),
});
const nodeStateDocument = z.object({
  _id: z.string(),
  state: stateDocument,
  /** Up to which revision changes are in the log. */
  relayed: z.number().default(0),
});
type NodeStateDocument = Readonly<z.infer<typeof nodeStateDocument>>;

/** The reported states of nodes, in the collection `node_states`: one document each. */
export class MongoNodeStates implements NodeStates {
  readonly #connection: Connection;
  readonly #states: mongo.Collection<NodeStateDocument>;
  readonly #found: FindById<NodeStateDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#connection = connection;
    this.#states = connection.collection<NodeStateDocument>("node_states");
    this.#found = new FindById(connection, this.#states);
    this.#reader = new DocumentReader("node_states", onUnreadable);
  }

  async find(nodes: readonly string[]): Promise<NodeState[]> {
    return this.#reader.many(nodeStateDocument, await this.#found.findAll(nodes)).map(toState);
  }

  async names(): Promise<string[]> {
    return allIdsOf(this.#states);
  }

  async remove(nodes: readonly string[]): Promise<void> {
    await removeMany(this.#connection, this.#states, nodes);
  }

  async raise({ node, revision, isDown, outbox }: NodeState): Promise<void> {
    const changes = outbox.map(({ id, isDown: is_down, at }) => ({ id, is_down, at }));
    const update = wholeUpdate<NodeStateDocument>({ $max: { state: { revision, is_down: isDown, outbox: changes } } });
    await this.#change(node, () => this.#states.updateOne(byId(node), update, { upsert: true }));
  }

  async mark(node: string, ids: readonly string[]): Promise<void> {
    const update = wholeUpdate<NodeStateDocument>({ $max: { relayed: Math.max(...ids.map(revisionOf)) } });
    await this.#change(node, () => this.#states.updateOne(byId(node), update));
  }

  /** Names a document that takes no change: whoever changes several goes on with the others. */
  async #change(node: string, change: () => Promise<unknown>): Promise<void> {
    try {
      await storeErrors(change);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) this.#reader.refused(node, errorMessage(error));
      throw error;
    }
  }
}

function toState({ _id: node, state, relayed }: NodeStateDocument): NodeState {
  const changes = state.outbox.map(({ id, is_down: isDown, at }) => ({ id, isDown, at }));
  return {
    node,
    revision: state.revision,
    isDown: state.is_down,
    outbox: changes.filter(({ id }) => revisionOf(id) > relayed),
  };
}

/** A change's id ends in its revision. */
function revisionOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}
