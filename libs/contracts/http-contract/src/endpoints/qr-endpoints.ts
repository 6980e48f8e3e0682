import { z } from "zod";
import type { Endpoint } from "../endpoint.ts";
import { drawn, guarded, linkNotConfigured, noNode, ofOneKey, storeAway } from "../error-cases.ts";
import { keyPathSchema } from "../key-id.ts";
import { qrQuerySchema } from "../queries.ts";

const qrEndpoint = {
  method: "get",
  tag: "Keys",
  description:
    "Draws the key's `subscription_url`, or with `of=link` the link that `/link` answers, for an app's camera: dark on a " +
    "white ground of its own.",
  auth: "bearer",
  scope: "keys:read",
  params: keyPathSchema,
  query: qrQuerySchema,
  errors: [...guarded, ...ofOneKey, ...drawn, noNode, storeAway, linkNotConfigured],
} as const;

export const qrEndpoints = {
  getKeyQrSvg: {
    ...qrEndpoint,
    path: "/api/keys/{key_id}/qr.svg",
    summary: "Get a QR code of a key as SVG",
    success: { description: "The picture, of any size.", contentType: "image/svg+xml", schema: z.string() },
  },
  getKeyQrPng: {
    ...qrEndpoint,
    path: "/api/keys/{key_id}/qr.png",
    summary: "Get a QR code of a key as PNG",
    success: {
      description: "The picture, eight pixels a module.",
      contentType: "image/png",
      schema: z.string().meta({ format: "binary" }),
    },
  },
} as const satisfies Record<string, Endpoint>;
