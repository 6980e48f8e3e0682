import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineUnavailableError } from "@veil/engines";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findClient } from "./find-client.ts";

describe("findClient", () => {
  let directory: string;
  let said: string[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "veil-clients-"));
    said = [];
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  const find = () =>
    findClient("mihomo 1.19.27", {
      progress: (line) => said.push(line),
      env: { PATH: directory, VEIL_CACHE_DIR: directory },
    });

  async function program(name: string, text: string): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  }

  it("takes the one in the cache", async () => {
    const cached = await program("mihomo-1.19.27", "exit 0");
    expect(await find()).toBe(cached);
    expect(said).toEqual([]);
  });

  it("takes none that PATH leads to, and says that Go is missing", async () => {
    await program("mihomo", "echo Mihomo Meta v1.19.27");
    await expect(find()).rejects.toThrow(
      new EngineUnavailableError("go build: no Go on PATH (1.24 or newer is needed)"),
    );
  });

  it("says that Go is too old", async () => {
    await program("go", "echo go version go1.23.9 linux/amd64");
    await expect(find()).rejects.toThrow("go build: Go 1.24 or newer is needed, this is 1.23");
  });

  it("says why a build failed", async () => {
    await program(
      "go",
      `[ "$1" = version ] && echo go version go1.26.0 linux/amd64 && exit 0; echo no such module; exit 1`,
    );
    await expect(find()).rejects.toThrow("go build failed: no such module");
  });
});
