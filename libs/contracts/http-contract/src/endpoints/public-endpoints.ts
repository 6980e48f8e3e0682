import { z } from "zod";
import type { Endpoint } from "../endpoint.ts";
import { ofAnyone, ofDocs } from "../error-cases.ts";
import { namedSchemas } from "../named-schemas.ts";

const statusSchema = z
  .strictObject({ status: z.literal("ok"), service: z.literal("veil-xray-api") })
  .register(namedSchemas, { id: "Status" });

export type StatusBody = z.infer<typeof statusSchema>;

const page = z.string();

export const publicEndpoints = {
  getStatus: {
    method: "get",
    path: "/",
    tag: "Status",
    summary: "Check that the API answers",
    description: "Needs no token and says nothing of what lies behind the API.",
    auth: "none",
    success: {
      description: "The API answers.",
      contentType: "application/json",
      schema: statusSchema,
      example: { status: "ok", service: "veil-xray-api" },
    },
    errors: ofAnyone,
  },
  showSwaggerUi: {
    method: "get",
    path: "/docs",
    tag: "Documentation",
    summary: "Try the API in Swagger UI",
    description: "An HTML page that sends calls from the browser.",
    auth: "none",
    success: { description: "Swagger UI.", contentType: "text/html", schema: page },
    errors: ofDocs,
  },
  showRedoc: {
    method: "get",
    path: "/redoc",
    tag: "Documentation",
    summary: "Read the API's reference in ReDoc",
    description: "An HTML page.",
    auth: "none",
    success: { description: "ReDoc.", contentType: "text/html", schema: page },
    errors: ofDocs,
  },
  getOpenApiDocument: {
    method: "get",
    path: "/openapi.json",
    tag: "Documentation",
    summary: "Get this document",
    description: "OpenAPI 3.1.",
    auth: "none",
    success: {
      description: "The document.",
      contentType: "application/json",
      schema: z.looseObject({ openapi: z.string() }).meta({ description: "An OpenAPI 3.1 document." }),
      example: { openapi: "3.1.0" },
    },
    errors: ofDocs,
  },
} as const satisfies Record<string, Endpoint>;
