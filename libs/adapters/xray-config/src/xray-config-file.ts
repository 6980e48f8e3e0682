import { open, realpath, utimes } from "node:fs/promises";
import type { ClientForm } from "./config-inbound.ts";
import { editConfig, type EditedConfig, type InboundChanges, type ListedClients, listClients } from "./edit-config.ts";
import {
  ConfigChangedError,
  ConfigInvalidError,
  ConfigReadError,
  ConfigRefusedError,
  ConfigWriteError,
} from "./errors.ts";
import { type FileSnapshot, removeLeftOvers, replaceFile } from "./replace-file.ts";

export interface XrayConfigFileOptions {
  /** A link is followed: what it points to is replaced. Its folder must be writable, for a file can't be replaced otherwise. */
  readonly path: string;
  /** Checks a text before it becomes the file. Default: none but our own reading of it. */
  readonly check?: (path: string) => Promise<void>;
}

const MOST_ATTEMPTS = 3;

/** What became of the file. */
export interface ConfigUpdate extends Pick<EditedConfig, "faults"> {
  readonly result: "written" | "unchanged";
}

/** Xray's config file, of which some inbounds are partly ours. One writer at a time is the caller's duty. */
export class XrayConfigFile {
  readonly #path: string;
  readonly #check: (path: string) => Promise<void>;

  constructor({ path, check = () => Promise.resolve() }: XrayConfigFileOptions) {
    this.#path = path;
    this.#check = check;
  }

  /**
   * Reads the clients of an inbound from the file.
   *
   * @throws {ConfigReadError} {@link ConfigInvalidError}
   */
  async look(inboundTag: string, form: ClientForm): Promise<ListedClients> {
    return listClients((await this.#read()).text, inboundTag, form);
  }

  /**
   * Applies changes to the file.
   *
   * They are asked for after the file was read, and again when the file changed meanwhile. An update that finds nothing
   * to change sets the file's times anew. So a writer that was paused with old changes can't put them in the place of a
   * newer one, whatever that changed.
   *
   * @throws {ConfigReadError} {@link ConfigRefusedError} {@link ConfigWriteError}
   * @throws {ConfigInvalidError} when the file is no JSON, or the only changes that are asked for can't be made
   * @throws {ConfigChangedError} when somebody else writes it again and again @throws what `changes` throws
   */
  async update(changes: () => Promise<readonly InboundChanges[]>): Promise<ConfigUpdate> {
    for (let attempt = 1; ; attempt += 1) {
      const old = await this.#read();
      const { text, faults } = editConfig(old.text, await changes());
      try {
        if (text !== old.text) {
          await replaceFile(old, text, this.#check);
          return { result: "written", faults };
        }
        await removeLeftOvers(old.path);
        await utimes(old.path, old.stats.atime, old.stats.mtime);
        return { result: "unchanged", faults };
      } catch (error) {
        if (error instanceof ConfigRefusedError) throw error;
        if (!(error instanceof ConfigChangedError)) throw new ConfigWriteError(error);
        if (attempt === MOST_ATTEMPTS) throw error;
      }
    }
  }

  async #read(): Promise<FileSnapshot> {
    try {
      const path = await realpath(this.#path);
      const file = await open(path, "r");
      try {
        const stats = await file.stat({ bigint: true });
        return { path, stats, text: decoded(await file.readFile()) };
      } finally {
        await file.close();
      }
    } catch (error) {
      throw error instanceof ConfigInvalidError ? error : new ConfigReadError(error);
    }
  }
}

/** Bytes that are no UTF-8 would not survive being read and written again. */
function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ConfigInvalidError("it is not UTF-8");
  }
}
