import { messages } from "@veil/http-contract";
import type { Request } from "express";
import type { WritePreferences } from "../writes/shared-writes.ts";
import { HttpError } from "./http-error.ts";

const visibleAscii = /^[\x21-\x7e]{1,255}$/;

/** Reads how a write is to be treated from its headers. @throws HttpError 400 */
export function writePreferences(request: Request): WritePreferences {
  const idempotencyKey = request.get("Idempotency-Key") ?? null;
  if (idempotencyKey !== null && !visibleAscii.test(idempotencyKey)) {
    throw new HttpError(400, messages.idempotencyKeyMalformed);
  }
  return { idempotencyKey, respondAsync: prefers(request, "respond-async") };
}

function prefers(request: Request, wish: string): boolean {
  const wishes = (request.get("Prefer") ?? "").split(",").map((one) => one.split(";")[0]?.trim().toLowerCase());
  return wishes.includes(wish);
}
