import { Schema } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import { storeErrors } from "./store-errors.ts";

/** An inbound as it must be put back. It holds the REALITY private key: only the worker's MongoDB user may read it. */
interface InboundDocument {
  readonly _id: string;
  readonly inbound: string;
}

const inboundSchema = new Schema<InboundDocument>(
  { _id: { type: String, required: true }, inbound: { type: String, required: true } },
  { collection: "inbounds", strict: "throw", versionKey: false, autoIndex: false, autoCreate: false },
);

/** Keeps each node's inbound while it is replaced, so that a crash in between can be mended. */
export class MongoInboundVault {
  readonly #inbounds;

  constructor({ connection }: MongoConnection) {
    this.#inbounds = connection.model("Inbound", inboundSchema);
  }

  /** @param inbound opaque text @throws StoreUnavailableError */
  async save(node: string, inbound: string): Promise<void> {
    await storeErrors(() => this.#inbounds.updateOne({ _id: node }, { $set: { inbound } }, { upsert: true }));
  }

  /** @returns null when none was ever saved @throws StoreUnavailableError */
  async load(node: string): Promise<string | null> {
    const found = await storeErrors(() => this.#inbounds.findById(node).lean());
    return found?.inbound ?? null;
  }
}
