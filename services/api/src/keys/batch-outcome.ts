import { type BatchItem, type BatchResultBody, messages } from "@veil/http-contract";
import type { JobResult } from "@veil/job-contract";

/** What became of one item of a batch, before it is put in words. */
export type ItemOutcome<T> =
  | { readonly status: "ok"; readonly value: T }
  | { readonly status: "error"; readonly detail: string };

type ItemBody = BatchResultBody["results"][number];

/**
 * Does what is asked for in the good items, and answers for all in the order of the request.
 *
 * @param act gets the values of the good items and answers for each; not called when there are none
 */
export async function answerBatch<T, R>(
  items: readonly BatchItem<T>[],
  act: (values: readonly T[]) => Promise<readonly ItemOutcome<R>[]>,
  show: (value: R) => Extract<ItemBody, { readonly status: "ok" }>["key"],
): Promise<BatchResultBody> {
  const good = items.flatMap((item) => (item.ok ? [item.value] : []));
  const outcomes = good.length === 0 ? [] : await act(good);
  let next = 0;
  const results = items.map((item): ItemBody => {
    if (!item.ok) return { status: "error", detail: item.detail };
    const outcome = outcomes[next];
    next += 1;
    if (outcome === undefined) return { status: "error", detail: messages.internalError };
    return outcome.status === "ok" ? { status: "ok", key: show(outcome.value) } : outcome;
  });
  const succeeded = results.filter(({ status }) => status === "ok").length;
  return { results, succeeded, failed: results.length - succeeded };
}

/** What a worker's word on an item means when it is neither success nor "not found". */
export function notApplied(
  action: string,
  { detail }: Extract<JobResult<"create-key">, { readonly outcome: "unavailable" | "failed" }>,
): { readonly status: "error"; readonly detail: string } {
  return { status: "error", detail: messages.failedTo(action, detail) };
}
