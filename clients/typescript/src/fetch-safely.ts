/** How long a call is tried. */
export interface Patience {
  /** Default 6. */
  readonly attempts: number;
  /** Milliseconds that one attempt may take. Default 30,000: more than the API takes for any answer. */
  readonly timeoutMs: number;
}

const READS = new Set(["GET", "HEAD"]);
const TRIED_AGAIN = new Set([429, 500, 503]);
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** Sends a request until it is answered for good, a write always with the same `Idempotency-Key`. @throws as `fetch` does */
export async function fetchSafely(
  request: Request,
  { attempts = 6, timeoutMs = 30_000 }: Partial<Patience>,
): Promise<Response> {
  if (!READS.has(request.method) && !request.headers.has("Idempotency-Key")) {
    request.headers.set("Idempotency-Key", crypto.randomUUID());
  }
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt >= attempts || request.signal.aborted;
    try {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
      const response = await fetch(request.clone(), { signal });
      if (isLast || !TRIED_AGAIN.has(response.status)) return response;
      await response.body?.cancel();
      await pause(pauseMs(attempt, response.headers.get("Retry-After")));
    } catch (error) {
      if (isLast || request.signal.aborted) throw error;
      await pause(pauseMs(attempt, null));
    }
  }
}

/** As long as the API asks for; otherwise twice as long each time, spread so that bots don't come back together. */
function pauseMs(attempt: number, retryAfter: string | null): number {
  const asked = Number(retryAfter ?? Number.NaN) * 1_000;
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
  return Number.isFinite(asked) ? Math.min(asked, LONGEST_PAUSE_MS) : longest * (0.5 + Math.random() / 2);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
