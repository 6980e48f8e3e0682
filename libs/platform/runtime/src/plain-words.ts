import type { z } from "zod";

const UNITS: Readonly<Record<string, string>> = { string: " characters", array: " entries" };

/**
 * The fault of a setting, where its schema has no words of its own for that. zod's speak to programmers, and begin a
 * sentence that the setting's name has begun already.
 * @returns undefined for a fault that is none of a size or a type; zod's own text stands then
 */
export function plainWords(issue: z.core.$ZodRawIssue): string | undefined {
  const [, ...inside] = issue.path ?? [];
  const fault = faultOf(issue);
  return fault === undefined || inside.length === 0 ? fault : `${fault} at ${inside.join(".")}`;
}

function faultOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "too_big":
      return sizeFault(issue.origin, "at most", issue.maximum);
    case "too_small":
      return sizeFault(issue.origin, "at least", issue.minimum);
    case "invalid_type":
      return `must be of type ${issue.expected}`;
    default:
      return undefined;
  }
}

function sizeFault(origin: string, bound: string, limit: number | bigint): string {
  const unit = UNITS[origin];
  return unit === undefined ? `must be ${bound} ${limit}` : `must have ${bound} ${limit}${unit}`;
}
