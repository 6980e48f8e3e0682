import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { meaningOf } from "./call-failure.ts";

describe("meaningOf", () => {
  it.each([
    [status.UNAVAILABLE, "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:8080"],
    [status.UNAVAILABLE, "Name resolution failed for target dns:xray:8080"],
    [status.DEADLINE_EXCEEDED, "Deadline exceeded after 3.000s,name resolution: 0.002s,Waiting for LB pick"],
  ])("is unreachable for code %d, %j, when the call never reached a connection", (code, details) => {
    expect(meaningOf({ code, details, sent: false })).toBe("unreachable");
  });

  it.each([
    [status.DEADLINE_EXCEEDED, "Deadline exceeded after 3.000s,remote_addr=127.0.0.1:8080"],
    [status.UNAVAILABLE, "Connection dropped"],
    [status.UNAVAILABLE, "read ECONNRESET"],
    [status.UNAVAILABLE, "Received HTTP status code 502"],
    [status.CANCELLED, "Call cancelled"],
    [status.INTERNAL, "Received RST_STREAM with code 2 (Internal server error)"],
    [status.RESOURCE_EXHAUSTED, "Bandwidth exhausted or memory limit exceeded"],
    [status.UNKNOWN, "Received HTTP status code 500"],
    [status.UNIMPLEMENTED, "Received HTTP status code 404"],
    [status.PERMISSION_DENIED, "Received HTTP status code 403"],
    [status.UNAUTHENTICATED, "Received HTTP status code 401"],
    [status.UNKNOWN, "No status information received"],
    [status.UNKNOWN, ""],
    [status.UNIMPLEMENTED, ""],
  ])("is indeterminate for code %d, %j, when the call was sent", (code, details) => {
    expect(meaningOf({ code, details, sent: true })).toBe("indeterminate");
  });

  it.each([
    [status.UNKNOWN, "proxy/vless: User 1@veil already exists."],
    [status.NOT_FOUND, "user>>>1@veil>>>traffic>>>uplink not found."],
    [status.UNIMPLEMENTED, "unknown service xray.app.router.command.RoutingService"],
    [status.RESOURCE_EXHAUSTED, "grpc: received message larger than max (4800123 vs. 4194304)"],
  ])("is rejected for code %d, %j", (code, details) => {
    expect(meaningOf({ code, details, sent: true })).toBe("rejected");
  });
});
