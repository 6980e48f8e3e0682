import { BlockList, isIP } from "node:net";
import { messages } from "@veil/http-contract";
import type { RequestHandler } from "express";
import { HttpError } from "./http-error.ts";

/** Lets only requests from the listed addresses through. @param allowed null when all may come */
export function allowAddresses(allowed: BlockList | null): RequestHandler {
  return (request, _response, next) => {
    if (allowed !== null && !contains(allowed, request.ip ?? "")) throw new HttpError(403, messages.addressNotAllowed);
    next();
  };
}

function contains(list: BlockList, address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const [bare = ""] = mapped.split("%");
  const version = isIP(bare);
  return version !== 0 && list.check(bare, version === 6 ? "ipv6" : "ipv4");
}

/** Makes a list from `10.0.0.0/8` and `2001:db8::7`. Null when an entry is neither an address nor a CIDR range. */
export function addressList(entries: readonly string[]): BlockList | null {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = "", prefix, ...rest] = entry.split("/");
    const version = isIP(address);
    const longest = version === 6 ? 128 : 32;
    if (version === 0 || rest.length > 0) return null;
    if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest)) return null;
    list.addSubnet(address, prefix === undefined ? longest : Number(prefix), version === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
