import { createHash } from "node:crypto";
import { listReply } from "../http/list-reply.ts";
import type { ListReply } from "../http/reply.ts";
import type { KeyFacts, KeyPage, KeyReader } from "../ports.ts";
import { IdRanges } from "./id-ranges.ts";
import { keyBody } from "./key-body.ts";
import { jsonListChunks } from "./json-list-chunks.ts";
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
 * A list too long to be gathered gets its tag from a first pass over the ids, and the second pass sends keys of the first
 * one only. So the tag is exact without a snapshot: keys never change, and a key that went between the passes never comes
 * back, so that the ids of the first pass are never all there again.
 */
export function listKeys(page: KeyPage | null, ports: ListKeysPorts): ListReply {
  const { keys, visibleKeys, shortId } = ports;
  const total = page === null ? null : () => keys.countActive();
  const chunksOf = (only: IdRanges | null, count: typeof total) =>
    jsonListChunks("keys", bodies(visibleKeys.list(page ?? {}), only, shortId), count);
  return listReply(
    () => chunksOf(null, total),
    async () => {
      const counted = await total?.();
      const { ids, digest } = await identify(page ?? {}, ports);
      const tag = `W/"${digest}${counted === undefined ? "" : `-${counted}`}"`;
      return { tag, chunks: chunksOf(ids, counted === undefined ? null : async () => counted) };
    },
  );
}

async function* bodies(
  groups: AsyncIterable<readonly KeyFacts[]>,
  only: IdRanges | null,
  shortId: string,
): AsyncGenerator<object[]> {
  for await (const group of groups) {
    const listed = only === null ? group : group.filter(({ keyId }) => only.has(keyId));
    yield listed.map((key) => keyBody(key, shortId));
  }
}

async function identify(page: KeyPage, { keys, refused, shortId }: ListKeysPorts) {
  const ids = new IdRanges();
  const hash = createHash("sha256").update(shortId);
  for await (const group of keys.listActiveIds(page)) {
    let text = "";
    for (const { keyId, job } of group) {
      if (refused.has(job)) continue;
      ids.add(keyId);
      text += ` ${keyId}`;
    }
    hash.update(text);
  }
  return { ids, digest: hash.digest("base64url") };
}
