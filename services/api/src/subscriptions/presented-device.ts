import { deviceLabel } from "@veil/keys";
import type { Request } from "express";
import type { PresentedDevice } from "./device-gate.ts";

/** The device that a request says it comes from. */
export function presentedDevice(request: Request): PresentedDevice {
  const label = (name: string) => deviceLabel(unicode(request.get(name)));
  return {
    hardwareId: request.get("x-hwid")?.trim() || null,
    os: label("x-device-os"),
    osVersion: label("x-ver-os"),
    model: label("x-device-model"),
    userAgent: label("user-agent"),
    registers: request.method !== "HEAD",
  };
}

/** Node reads headers as Latin-1; apps that name a model in other letters send UTF-8. */
function unicode(text: string | undefined): string | undefined {
  if (text === undefined) return text;
  const decoded = Buffer.from(text, "latin1").toString("utf8");
  return decoded.includes("\uFFFD") ? text : decoded;
}
