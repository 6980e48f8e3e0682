import autocannon from "autocannon";

export interface HttpLoad {
  readonly url: string;
  readonly headers?: Record<string, string>;
  readonly connections: number;
  /** How many requests in all. */
  readonly requests: number;
  /** The next request. */
  readonly next: () => {
    readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
    readonly path: string;
    readonly body?: string;
  };
  /** Called with every body that came with 200. */
  readonly onBody?: (body: string) => void;
}

const PATIENCE_SECONDS = 30;

/**
 * Sends requests over a number of connections, one at a time on each.
 *
 * @throws when an answer is not a success: a rate of errors says nothing
 */
export async function httpLoad(load: HttpLoad): Promise<{ readonly perSecond: number; readonly latencies: number[] }> {
  const { url, headers = {}, connections, requests, next, onBody } = load;
  const latencies: number[] = [];
  let failure = "";
  let last = 0;
  const begun = performance.now();
  const { errors, timeouts, non2xx } = await autocannon({
    url,
    headers,
    connections: Math.min(connections, requests),
    amount: requests,
    timeout: PATIENCE_SECONDS,
    sampleInt: 50,
    requests: [
      {
        setupRequest: (request) => ({ ...request, ...next() }),
        onResponse: (status, body) => {
          if (status === 200) onBody?.(body);
          else failure = `${status} ${body}`;
        },
      },
    ],
    setupClient: (client) => {
      client.on("response", (_status, _bytes, milliseconds) => {
        latencies.push(milliseconds);
        last = performance.now();
      });
    },
  });
  if (errors + timeouts + non2xx > 0) {
    throw new Error(`${errors} errors, ${timeouts} timeouts, ${non2xx} refusals of ${requests} requests: ${failure}`);
  }
  return { perSecond: (latencies.length * 1_000) / (last - begun), latencies };
}
