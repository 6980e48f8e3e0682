/** The HTTP endpoints in zod: validation and the OpenAPI document from one source. */
export {};
