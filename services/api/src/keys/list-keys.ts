import { createHash } from "node:crypto";
import type { KeyFacts, KeyPage, KeyReader, VisibleKeyReader } from "../ports.ts";
import { jsonListChunks, listReply } from "../reply/list-reply.ts";
import type { ListReply } from "../reply/reply.ts";
import { keyBody, type RefusedCreations } from "./visible-keys.ts";

export interface ListKeysPorts {
  readonly keys: Pick<KeyReader, "listActiveIds" | "countActive">;
  readonly visibleKeys: Pick<VisibleKeyReader, "list">;
  readonly refused: Pick<RefusedCreations, "has">;
  readonly shortId: string;
}

/**
 * The list of all keys, or a page of it.
 *
 * Its tag is made from the ids in it. A list too long to be buffered gets it from a first pass over the ids, and the second
 * pass sends keys of the first one only. So the tag is exact without a snapshot: keys never change, and a key that went
 * between the passes never comes back, so that the ids of the first pass are never all there again.
 */
export function listKeys(page: KeyPage | null, ports: ListKeysPorts): ListReply {
  const { keys, visibleKeys, shortId } = ports;
  const count = page === null ? null : () => keys.countActive();
  return listReply(
    () => {
      const tag = new ListTag(shortId);
      const total = count === null ? null : async () => tag.count(await count());
      const listed = noted(visibleKeys.list(page ?? {}), tag);
      return { chunks: jsonListChunks("keys", bodies(listed, shortId), total), tag: () => tag.text() };
    },
    async () => {
      const tag = new ListTag(shortId);
      const total = count === null ? null : tag.count(await count());
      const ids = await identify(page ?? {}, tag, ports);
      const listed = among(ids, visibleKeys.list(page ?? {}));
      const chunks = jsonListChunks("keys", bodies(listed, shortId), total === null ? null : async () => total);
      return { tag: tag.text(), chunks };
    },
  );
}

async function* bodies(groups: AsyncIterable<readonly KeyFacts[]>, shortId: string): AsyncGenerator<object[]> {
  for await (const group of groups) yield group.map((key) => keyBody(key, shortId));
}

async function* noted(groups: AsyncIterable<readonly KeyFacts[]>, tag: ListTag): AsyncGenerator<readonly KeyFacts[]> {
  for await (const group of groups) {
    tag.add(group.map(({ keyId }) => keyId));
    yield group;
  }
}

async function* among(ids: IdRanges, groups: AsyncIterable<readonly KeyFacts[]>): AsyncGenerator<readonly KeyFacts[]> {
  for await (const group of groups) yield group.filter(({ keyId }) => ids.has(keyId));
}

async function identify(page: KeyPage, tag: ListTag, { keys, refused }: ListKeysPorts): Promise<IdRanges> {
  const all = new IdRanges();
  for await (const group of keys.listActiveIds(page)) {
    const ids = group.filter(({ job }) => !refused.has(job)).map(({ keyId }) => keyId);
    for (const id of ids) all.add(id);
    tag.add(ids);
  }
  return all;
}

/** The entity tag of a list of keys, made from their ids in order, and from what else the list says. */
class ListTag {
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

/** A set of ascending ids, kept as ranges: neighboring ids cost nothing. */
class IdRanges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** @param id greater than all before it */
  add(id: number): void {
    const last = this.#ends.length - 1;
    if (last >= 0 && this.#ends[last] === id - 1) this.#ends[last] = id;
    else {
      this.#starts.push(id);
      this.#ends.push(id);
    }
  }

  has(id: number): boolean {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? Number.POSITIVE_INFINITY) <= id) low = middle + 1;
      else high = middle;
    }
    return low > 0 && id <= (this.#ends[low - 1] ?? Number.NEGATIVE_INFINITY);
  }
}
