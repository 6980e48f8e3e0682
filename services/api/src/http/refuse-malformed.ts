import { messages } from "@veil/http-contract";
import type { RequestHandler } from "express";
import { HttpError } from "./http-error.ts";

/** Refuses paths whose percent-encoding can't be decoded, on any route. */
export function refuseMalformedPath(): RequestHandler {
  return (request, _response, next) => {
    if (!isDecodable(request.path)) throw new HttpError(400, messages.malformedPath);
    next();
  };
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
