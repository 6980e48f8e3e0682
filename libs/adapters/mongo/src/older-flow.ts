import type { VlessFlow } from "@veil/protocols";
import type { mongo } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import { type InstallationDocument, installationDocument } from "./key-codecs.ts";
import { isDuplicateKey } from "./store-errors.ts";

export interface OlderFlowOptions {
  /** The flow that the settings name now. */
  readonly setting: VlessFlow;
  /** Whether this process records it; one that only reads MongoDB goes by its own setting until another has. */
  readonly record: boolean;
  /** Called once, with the flow that this process has written: from then on it holds, whatever the setting. */
  readonly onRecorded?: (flow: VlessFlow) => void;
}

const OLDER_FLOW_ID = "flow-of-older-keys";
const UNKNOWN_SETTING: OlderFlowOptions = { setting: "", record: false };

/**
 * The flow of keys that were stored before each kept its own: the setting at the time of the upgrade, written once. Their
 * documents stay as they are, so that versions before and after read them side by side, whatever the number of keys.
 */
export class OlderFlow {
  readonly #facts: mongo.Collection<InstallationDocument>;
  readonly #options: OlderFlowOptions;
  #recorded: VlessFlow | null = null;

  /** @param options left out by processes that neither show nor use a flow */
  constructor({ connection }: MongoConnection, options: OlderFlowOptions = UNKNOWN_SETTING) {
    this.#facts = connection.collection<InstallationDocument>("installation");
    this.#options = options;
  }

  /** The flow of documents that name none. Asks the store only when there is such a one. */
  async among(documents: readonly { readonly flow?: VlessFlow }[]): Promise<VlessFlow> {
    const { setting } = this.#options;
    if (documents.every(({ flow }) => flow !== undefined)) return setting;
    this.#recorded ??= await this.#read();
    return this.#recorded ?? setting;
  }

  async #read(): Promise<VlessFlow | null> {
    const found = await this.#facts.findOne({ _id: OLDER_FLOW_ID });
    if (found !== null || !this.#options.record) return found === null ? null : installationDocument.parse(found).flow;
    try {
      await this.#facts.insertOne({ _id: OLDER_FLOW_ID, flow: this.#options.setting });
      this.#options.onRecorded?.(this.#options.setting);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    const present = await this.#facts.findOne({ _id: OLDER_FLOW_ID });
    return present === null ? null : installationDocument.parse(present).flow;
  }
}
