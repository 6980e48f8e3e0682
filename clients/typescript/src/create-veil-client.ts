import createClient, { type Client } from "openapi-fetch";
import type { paths } from "./generated/schema.ts";
import { fetchSafely, type Patience } from "./fetch-safely.ts";

export interface VeilClientOptions extends Partial<Patience> {
  /** Of the API, such as `https://bot.example.com`. */
  readonly url: string;
  /** An API token or secret. */
  readonly token: string;
}

/** A method for each HTTP method, typed by path; answers `{ data, error, response }` and throws only when no answer came. */
export type VeilClient = Client<paths>;

/**
 * A client of one installation. Every write has an `Idempotency-Key`, one of its own where you give none, and what may work
 * later (no answer, 429, 500, 503) is tried again with it.
 */
export function createVeilClient({ url, token, ...patience }: VeilClientOptions): VeilClient {
  return createClient<paths>({
    baseUrl: url,
    headers: { Authorization: `Bearer ${token}` },
    fetch: (request) => fetchSafely(request, patience),
  });
}
