import type { Logger } from "./ports.ts";
import { isDeepStrictEqual } from "node:util";
import type { ApiSecret } from "./http/bearer-auth.ts";

/** The secrets that callers may come with, as their files have them now. */
export class ReloadedSecrets {
  #current: readonly ApiSecret[];
  readonly #read: () => readonly ApiSecret[];
  readonly #log: Pick<Logger, "info">;

  /** @param read reads them from their settings and files; throws when they can't be taken as they are */
  constructor(read: () => readonly ApiSecret[], log: Pick<Logger, "info">) {
    this.#read = read;
    this.#current = read();
    this.#log = log;
  }

  /** The same list until they change. */
  readonly current = (): readonly ApiSecret[] => this.#current;

  /**
   * Takes what the files say now, so that a replaced secret ends without a restart.
   *
   * @throws {SettingsError} when it can't be taken; the secrets stay those of before
   */
  reload(): void {
    const read = this.#read();
    if (isDeepStrictEqual(read, this.#current)) return;
    this.#current = read;
    this.#log.info({ secrets: read.length, names: read.flatMap(({ name }) => name ?? []) }, "API keys have changed");
  }
}
