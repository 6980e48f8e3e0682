import { type BatchItem, type BatchResultBody, messages } from "@veil/http-contract";

/** The outcome of one item of a batch; its error is what a single call would have thrown. */
export type ItemOutcome<T> =
  | { readonly status: "ok"; readonly value: T }
  | { readonly status: "error"; readonly error: Error };

type ItemBody = BatchResultBody["results"][number];

/** How the outcomes of a batch are shown. */
interface Shown<R> {
  readonly show: (value: R) => Extract<ItemBody, { readonly status: "ok" }>["key"];
  /** The `detail` that a single call would have been answered with. */
  readonly explain: (error: Error) => string;
}

/**
 * Does what is asked for in the good items, and answers for all in the order of the request.
 *
 * @param act gets the values of the good items and answers for each; not called when there are none
 */
export async function answerBatch<T, R>(
  items: readonly BatchItem<T>[],
  act: (values: readonly T[]) => Promise<readonly ItemOutcome<R>[]>,
  { show, explain }: Shown<R>,
): Promise<BatchResultBody> {
  const good = items.flatMap((item) => (item.ok ? [item.value] : []));
  const outcomes = good.length === 0 ? [] : await act(good);
  let next = 0;
  const results = items.map((item): ItemBody => {
    if (!item.ok) return { status: "error", detail: item.detail };
    const outcome = outcomes[next];
    next += 1;
    if (outcome === undefined) return { status: "error", detail: messages.internalError };
    if (outcome.status === "ok") return { status: "ok", key: show(outcome.value) };
    return { status: "error", detail: explain(outcome.error) };
  });
  const succeeded = results.filter(({ status }) => status === "ok").length;
  return { results, succeeded, failed: results.length - succeeded };
}

/** The only item's value. @throws {Error} its error, when it failed */
export function onlyValue<T>([outcome]: readonly ItemOutcome<T>[]): T {
  if (outcome === undefined) throw new Error("there is no item");
  if (outcome.status === "error") throw outcome.error;
  return outcome.value;
}

/** The outcome of an item that was not done. */
export function failedItem(error: Error): { readonly status: "error"; readonly error: Error } {
  return { status: "error", error };
}
