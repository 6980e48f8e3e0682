import { coerceError, SharedRun } from "@veil/runtime";
import { ConfigRefusedError, type InboundChanges, type XrayConfigFile } from "@veil/xray-config";
import type { OnlyWriter } from "./only-writer.ts";

export interface SharedWritesOptions {
  readonly file: Pick<XrayConfigFile, "update">;
  readonly onlyWriter: OnlyWriter;
  /** Called with how each write of the file ended. */
  readonly onWrite: (result: "written" | "unchanged" | "error") => void;
}

/** @throws what keeps the changes of the inbound from being written */
export type WriteInbound = (changes: () => Promise<InboundChanges>) => Promise<void>;

interface Asked {
  readonly changes: () => Promise<InboundChanges>;
  fault: Error | null;
}

/**
 * Writes a config file for all of its inbounds together: a key is in each of them, and each write has Xray's check. Changes that are
 * asked for during a write share the next one. Those of an inbound that can't be made fail alone.
 */
export class SharedWrites {
  readonly #options: SharedWritesOptions;
  readonly #runs = new SharedRun(() => this.#write());
  #asked: Asked[] = [];

  constructor(options: SharedWritesOptions) {
    this.#options = options;
  }

  readonly write: WriteInbound = async (changes) => {
    const asked: Asked = { changes, fault: null };
    this.#asked.push(asked);
    await this.#runs.run();
    if (asked.fault !== null) throw asked.fault;
  };

  async #write(): Promise<void> {
    const { onlyWriter, onWrite } = this.#options;
    const all = this.#asked;
    this.#asked = [];
    try {
      await onlyWriter(async () => {
        try {
          await this.#update(all);
        } catch (error) {
          if (!(error instanceof ConfigRefusedError) || all.length === 1) throw error;
          for (const asked of all) await this.#updateAlone(asked);
        }
      });
    } catch (error) {
      onWrite("error");
      throw error;
    }
  }

  async #update(all: readonly Asked[]): Promise<void> {
    const { result, faults } = await this.#options.file.update(() => Promise.all(all.map((asked) => asked.changes())));
    for (const [index, asked] of all.entries()) asked.fault = faults.get(index) ?? null;
    this.#options.onWrite(faults.size > 0 ? "error" : result);
  }

  async #updateAlone(asked: Asked): Promise<void> {
    try {
      await this.#update([asked]);
    } catch (error) {
      asked.fault = coerceError(error);
      this.#options.onWrite("error");
    }
  }
}
