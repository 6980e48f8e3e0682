import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineUnavailableError } from "./engine-errors.ts";
import { fetchArchive } from "./fetch-archive.ts";

const ARCHIVE = Buffer.from("the archive");
const SHA256 = createHash("sha256").update(ARCHIVE).digest("hex");

let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    response.statusCode = request.url === "/archive.zip" ? 200 : 404;
    response.end(ARCHIVE);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterAll(() => {
  server.close();
});

describe("an archive", () => {
  test("with the pinned checksum is taken", async () => {
    expect(await fetchArchive(`${url}/archive.zip`, SHA256)).toEqual(ARCHIVE);
  });

  test.each([
    ["with another checksum", () => `${url}/archive.zip`, "0".repeat(64), /has the checksum/],
    ["that is not there", () => `${url}/other.zip`, SHA256, /answered 404/],
    ["on a site that cannot be reached", () => "http://127.0.0.1:1/archive.zip", SHA256, /cannot be reached/],
  ])("%s is refused", async (_what, where, sha256, reason) => {
    const fetching = fetchArchive(where(), sha256);
    await expect(fetching).rejects.toThrow(EngineUnavailableError);
    await expect(fetching).rejects.toThrow(reason);
  });
});
