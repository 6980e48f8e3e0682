import { createHash } from "node:crypto";
import type { Clock } from "@veil/keys";
import type { KeyPage, TrafficReader, VisibleKeyReader } from "../ports.ts";
import { jsonListChunks, type ListRead, listReply } from "../reply/list-reply.ts";
import type { ListReply } from "../reply/reply.ts";
import { withTraffic } from "../traffic/read-traffic.ts";
import type { CallerKeys } from "../caller-keys.ts";
import { keyBody, type KeyShowing } from "./key-body.ts";

export interface ListKeysPorts {
  readonly keys: CallerKeys;
  readonly visibleKeys: Pick<VisibleKeyReader, "list">;
  readonly traffic: Pick<TrafficReader, "findMany">;
  readonly clock: Pick<Clock, "now">;
  readonly showing: KeyShowing;
}

/**
 * The list of all keys that the caller sees, or a part of it. Its tag covers all that it shows; one that is too long to be
 * buffered has none, since its end is not known before its beginning is sent.
 */
export function listKeys(page: KeyPage | null, ports: ListKeysPorts): ListReply {
  const isWhole = page === null || (page.limit === undefined && page.after === undefined);
  const total = isWhole ? null : () => ports.keys.countActive(page.filter);
  const chunks = () => jsonListChunks("keys", bodies(page ?? {}, ports), total);
  return listReply(
    () => tagged(chunks()),
    async () => ({ tag: null, chunks: chunks() }),
  );
}

async function* bodies(
  page: KeyPage,
  { visibleKeys, traffic, clock, showing }: ListKeysPorts,
): AsyncGenerator<object[]> {
  for await (const part of withTraffic(visibleKeys.list(page), traffic)) {
    const now = clock.now();
    yield part.map(({ key, figures }) => keyBody(key, figures, now, showing));
  }
}

function tagged(source: AsyncIterable<string>): ListRead {
  const hash = createHash("sha256");
  const chunks = (async function* noted() {
    for await (const chunk of source) {
      hash.update(chunk);
      yield chunk;
    }
  })();
  return { chunks, tag: () => `W/"${hash.digest("base64url")}"` };
}
