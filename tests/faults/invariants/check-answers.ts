import type { Asked } from "../load/caller.ts";
import type { Findings } from "../report/findings.ts";

/** The statuses that the contract allows when a part of the system is away. */
const contractStatuses = new Set([404, 500, 503]);

export interface AnswerTerms {
  readonly withinMs: number;
  /** True when the API itself was killed, or neither store could be reached: then no answer is an answer. */
  readonly mayStayUnanswered: boolean;
}

/** Every request came to its end in time: an answer, or a refusal that the contract knows. */
export function checkAnswers(
  asked: readonly Asked<unknown>[],
  { withinMs, mayStayUnanswered }: AnswerTerms,
  findings: Findings,
): void {
  findings.enter(
    "deadline",
    asked.flatMap(({ what, outcome, tookMs }) => {
      const faults: string[] = [];
      if (tookMs > withinMs) faults.push(`${what} took ${Math.round(tookMs)} ms`);
      if (outcome.kind === "refused" && !contractStatuses.has(outcome.status)) {
        faults.push(`${what} was answered ${outcome.detail}`);
      }
      if (outcome.kind === "unanswered" && !mayStayUnanswered) {
        faults.push(`${what} was not answered: ${outcome.reason}`);
      }
      return faults;
    }),
  );
}
