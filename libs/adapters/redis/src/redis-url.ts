/** The options that a Redis URL may carry: where the server is and who we are, and nothing of how commands are sent. */
const understoodOptions = ["connectionName", "db", "family", "password", "username"];

export interface RedisUrl {
  readonly url: string;
  /** The names of the options that were left out of it. */
  readonly ignored: readonly string[];
}

/**
 * A Redis URL without what would change how commands are sent: the client takes any of its own options from there and
 * prefers them to those it is given, so that `commandTimeout` would cut blocking commands off, and `maxRetriesPerRequest`
 * end a consumer.
 */
export function plainRedisUrl(url: string): RedisUrl {
  const [base = "", query = ""] = url.split("?", 2);
  const options = new URLSearchParams(query);
  const ignored = [...new Set(options.keys())].filter((name) => !understoodOptions.includes(name));
  if (ignored.length === 0) return { url, ignored };
  for (const name of ignored) options.delete(name);
  return { url: options.size === 0 ? base : `${base}?${options.toString()}`, ignored };
}
