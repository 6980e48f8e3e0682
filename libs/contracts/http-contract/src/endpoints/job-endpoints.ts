import type { Endpoint } from "../endpoint.ts";
import { guarded } from "../error-cases.ts";
import { jobPathSchema, jobSchema } from "../job-bodies.ts";
import { messages } from "../messages.ts";
import { exampleKey } from "./example-key.ts";

const EXAMPLE_ID = "0b7c1f0e-5f0a-4f0e-9a63-0c8f5f6d2a11";

export const jobEndpoints = {
  getJob: {
    method: "get",
    path: "/api/jobs/{job_id}",
    tag: "Jobs",
    summary: "Ask what became of a write",
    description:
      "For writes that were sent with `Prefer: respond-async`, and for changes of many keys, which show `done`, `total`, " +
      "`failed` and `errors`. What became of one can be asked for 24 hours, of a change of many keys for seven days. " +
      "`result` is what the call would have answered with status 200, `detail` what it would have answered otherwise.",
    auth: "bearer",
    scope: "keys:read",
    params: jobPathSchema,
    success: {
      description: "How far the write is.",
      contentType: "application/json",
      schema: jobSchema,
      example: { job_id: EXAMPLE_ID, status: "succeeded", result: exampleKey },
    },
    errors: [
      ...guarded,
      {
        status: 404,
        name: "job-not-found",
        description: "There is no such job.",
        detail: messages.jobNotFound(EXAMPLE_ID),
      },
      {
        status: 503,
        name: "unavailable",
        description: "What became of the write is not known at the moment.",
        detail: messages.asyncUnavailable,
      },
    ],
  },
} as const satisfies Record<string, Endpoint>;
