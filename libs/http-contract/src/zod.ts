import { extendZodWithOpenApi } from "@asteasolutions/zod-to-openapi";
import { z } from "zod";

extendZodWithOpenApi(z);

/** Zod with `.openapi()`. Schemas of this package are made with this one, never with a bare import. */
export { z };
