import type { TrafficBody } from "@veil/http-contract";
import { listReply } from "../http/list-reply.ts";
import type { ListReply } from "../http/reply.ts";
import { jsonListChunks } from "../keys/json-list-chunks.ts";
import type { VisibleKeys } from "../keys/visible-keys.ts";
import type { KeyFacts, KeyPage, KeyReader, TrafficReader } from "../ports.ts";

export interface ListTrafficPorts {
  readonly keys: Pick<KeyReader, "countActive">;
  readonly visibleKeys: Pick<VisibleKeys, "list">;
  readonly traffic: Pick<TrafficReader, "findMany">;
}

/** The stored traffic of all keys, or of a page of them. A list too long to be gathered has no tag: it changes all the time. */
export function listTraffic(page: KeyPage | null, ports: ListTrafficPorts): ListReply {
  const total = page === null ? null : () => ports.keys.countActive();
  const read = () => jsonListChunks("traffic", bodies(page ?? {}, ports), total);
  return listReply(
    () => ({ chunks: read(), tag: () => null }),
    async () => ({ tag: null, chunks: read() }),
  );
}

async function* bodies(page: KeyPage, { visibleKeys, traffic }: ListTrafficPorts): AsyncGenerator<TrafficBody[]> {
  for await (const keys of visibleKeys.list(page)) {
    const figures = await traffic.findMany(keys.map(({ keyId }) => keyId));
    yield keys.map((key) => trafficBody(key.keyId, figures.get(key.keyId) ?? nothingYet(key)));
  }
}

/** What is answered of a key's traffic. */
export function trafficBody(
  keyId: number,
  { upload, download, lastUpdated }: { upload: number; download: number; lastUpdated: number },
): TrafficBody {
  return { key_id: keyId, upload, download, total: upload + download, last_updated: lastUpdated };
}

/** The traffic of a key without a record. */
export function nothingYet({ createdAt }: Pick<KeyFacts, "createdAt">) {
  return { upload: 0, download: 0, lastUpdated: createdAt };
}
