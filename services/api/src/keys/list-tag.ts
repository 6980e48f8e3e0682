import { createHash } from "node:crypto";

/** The entity tag of a list of keys, made from their ids in order, and from what else the list says. */
export class ListTag {
  readonly #hash;
  #count = "";

  /** @param shortId the one thing beside the keys that every entry says */
  constructor(shortId: string) {
    this.#hash = createHash("sha256").update(shortId);
  }

  add(ids: readonly number[]): void {
    this.#hash.update(ids.map((id) => ` ${id}`).join(""));
  }

  /** Notes the number that a page says of all keys. @returns it */
  count(total: number): number {
    this.#count = `-${total}`;
    return total;
  }

  /** To be asked once, at the end. */
  text(): string {
    return `W/"${this.#hash.digest("base64url")}${this.#count}"`;
  }
}
