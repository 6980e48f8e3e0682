import { z } from "zod";

/** The schemas that the OpenAPI document lists under a name; all others stand where they are used. */
export const namedSchemas = z.registry<{ readonly id: string }>();

/** The reference to a named schema within the document. */
export function schemaRef(id: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${id}` };
}
