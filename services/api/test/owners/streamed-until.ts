import type { ContractTarget } from "../contract-suite.ts";

const LIMIT_MS = 20_000;

/**
 * The text of a caller's stream of events, from the first one on.
 *
 * @param text with which it is read no further
 * @throws when it does not come in time
 */
export async function streamedUntil({ baseUrl, secret }: ContractTarget, text: string): Promise<string> {
  const headers = { authorization: `Bearer ${secret}`, accept: "text/event-stream" };
  const response = await fetch(`${baseUrl}/api/events`, { headers, signal: AbortSignal.timeout(LIMIT_MS) });
  let streamed = "";
  for await (const chunk of response.body ?? []) {
    streamed += Buffer.from(chunk).toString();
    if (streamed.includes(text)) return streamed;
  }
  throw new Error(`the stream ended without ${text}: ${streamed}`);
}
