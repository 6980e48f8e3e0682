import { z } from "zod";
import { httpLoad } from "../harness/http-load.ts";
import type { BenchTestbed } from "../testbed/bench-testbed.ts";

const createdKey = z.object({ key_id: z.number() });

/** Creates keys over HTTP. @returns their ids, too */
export async function createKeys(testbed: BenchTestbed, requests: number, connections: number) {
  const keyIds: number[] = [];
  const { apiUrl, headers } = testbed;
  const load = await httpLoad({
    url: apiUrl,
    headers,
    connections,
    requests,
    next: () => ({ method: "POST", path: "/api/keys", body: "{}" }),
    onBody: (body) => keyIds.push(createdKey.parse(JSON.parse(body)).key_id),
  });
  return { ...load, keyIds };
}

/** Deletes keys over HTTP, one request for each. */
export function deleteKeys({ apiUrl, headers }: BenchTestbed, keyIds: readonly number[], connections: number) {
  let next = 0;
  return httpLoad({
    url: apiUrl,
    headers,
    connections,
    requests: keyIds.length,
    next: () => {
      const path = `/api/keys/${keyIds[next]}`;
      next += 1;
      return { method: "DELETE", path };
    },
  });
}
