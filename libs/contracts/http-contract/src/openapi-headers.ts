/** The headers of answers that the document describes once and refers to. */
export const componentHeaders = {
  "X-Request-Id": header("Names the request in every log line.", { type: "string" }, "bot-42"),
  "WWW-Authenticate": header("How to authenticate.", { type: "string" }, "Bearer"),
  "Retry-After": header("Seconds to wait.", { type: "integer", minimum: 1 }, 5),
  ETag: header(
    "Names what the answer says; missing on very long lists of traffic.",
    { type: "string" },
    'W/"1f-abc"',
    false,
  ),
  "Idempotency-Replayed": header(
    "`true` when the answer is that of an earlier request with the same `Idempotency-Key`.",
    { type: "string" },
    "true",
    false,
  ),
  "Preference-Applied": header(
    "`respond-async`: the preference that was honored.",
    { type: "string" },
    "respond-async",
  ),
  Location: header("Where to ask what became of it.", { type: "string" }, "/api/jobs/…"),
};

export type HeaderRefs = Readonly<Record<string, { readonly $ref: string }>>;

/** References to the headers named. */
export function headerRefs(...names: readonly (keyof typeof componentHeaders)[]): HeaderRefs {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function header(
  description: string,
  schema: { readonly type: "string" | "integer"; readonly minimum?: number },
  example: unknown,
  required = true,
) {
  return { description, required, schema, example };
}
