import { z } from "zod";
import { keyIdSchema } from "./key-id.ts";
import { namedSchemas } from "./named-schemas.ts";

const count = (description: string, example: number) => z.int().min(0).meta({ description, example });

const jobId = z.string().meta({ example: "0b7c1f0e-5f0a-4f0e-9a63-0c8f5f6d2a11" });

export const jobPathSchema = z.object({
  job_id: jobId.meta({ description: "Id from the answer 202." }),
});

/** Progress of a write that was accepted with 202. */
export const jobSchema = z
  .strictObject({
    job_id: jobId,
    status: z.enum(["queued", "running", "succeeded", "failed"]),
    result: z
      .looseObject({})
      .optional()
      .meta({ description: "When it succeeded: the answer of the call, unless that was too long to be kept." }),
    detail: z.string().optional().meta({ description: "When it failed: what went wrong." }),
    total: count("Of a change of many keys: how many keys there are.", 300).optional(),
    done: count("How many of them have the change.", 298).optional(),
    failed: count("How many can't have it.", 2).optional(),
    errors: z
      .array(z.strictObject({ key_id: keyIdSchema, detail: z.string() }))
      .optional()
      .meta({ description: "Why they can't: the first 1,000." }),
  })
  .register(namedSchemas, { id: "Job" });

export type JobBody = z.infer<typeof jobSchema>;

/** The answer 202. */
export const jobAcceptedSchema = z
  .strictObject({ job_id: jobId, status: z.literal("queued") })
  .meta({ description: "Ask `GET /api/jobs/{job_id}` what became of it." })
  .register(namedSchemas, { id: "JobAccepted" });

export type JobAcceptedBody = z.infer<typeof jobAcceptedSchema>;
