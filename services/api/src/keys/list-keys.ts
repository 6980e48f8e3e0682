import { listReply } from "../http/list-reply.ts";
import type { ListReply } from "../http/reply.ts";
import type { KeyFacts, KeyPage, KeyReader } from "../ports.ts";
import { IdRanges } from "./id-ranges.ts";
import { keyBody } from "./key-body.ts";
import { jsonListChunks } from "./json-list-chunks.ts";
import { ListTag } from "./list-tag.ts";
import type { RefusedCreations } from "./refused-creations.ts";
import type { VisibleKeys } from "./visible-keys.ts";

export interface ListKeysPorts {
  readonly keys: Pick<KeyReader, "listActiveIds" | "countActive">;
  readonly visibleKeys: Pick<VisibleKeys, "list">;
  readonly refused: Pick<RefusedCreations, "has">;
  readonly shortId: string;
}

/**
 * The list of all keys, or a page of it.
 *
 * Its tag is made from the ids in it. A list too long to be gathered gets it from a first pass over the ids, and the second
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
