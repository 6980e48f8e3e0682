import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFile,
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ownXrayConfig } from "../test/own-xray-config.ts";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { configCheck } from "./config-check.ts";
import type { InboundChanges } from "./edit-config.ts";
import { ConfigChangedError, ConfigReadError, ConfigRefusedError, ConfigWriteError } from "./errors.ts";
import { removeLeftOvers } from "./replace-file.ts";
import { XrayConfigFile } from "./xray-config-file.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "veil-config-"));
  path = join(folder, "xray.json");
  await writeFile(path, ownXrayConfig());
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const UUID = "66ad4540-b58c-4ad2-9926-ea63445a9b57";

/** That of the keys 1 to 3 these have a client. */
function changesFor(...keyIds: number[]): () => Promise<readonly InboundChanges[]> {
  const clients = [1, 2, 3].map((keyId) => {
    const email = `${keyId}@veil`;
    return [email, keyIds.includes(keyId) ? { email, values: [UUID, ""] as const } : null] as const;
  });
  const form = { protocol: "vless", members: ["id", "flow"] } as const;
  return () => Promise.resolve([{ inboundTag: "vless-in", form, clients: new Map(clients), shortId: "7bb45050" }]);
}

function failureOf(task: Promise<unknown>): Promise<unknown> {
  return task.catch((error: unknown) => error);
}

describe("an update", () => {
  it("replaces the file, keeps its mode and owner, and leaves the text before as its backup", async () => {
    await chmod(path, 0o640);
    const before = await readFile(path, "utf8");
    const owner = await stat(path);
    expect(await new XrayConfigFile({ path }).update(changesFor(1))).toMatchObject({ result: "written" });
    const [file, backup] = await Promise.all([stat(path), stat(`${path}.bak`)]);
    for (const { mode, uid, gid } of [file, backup]) {
      expect({ mode: mode & 0o777, uid, gid }).toEqual({ mode: 0o640, uid: owner.uid, gid: owner.gid });
    }
    expect(await readFile(path, "utf8")).toContain(`"email": "1@veil"`);
    expect(await readFile(`${path}.bak`, "utf8")).toBe(before);
    expect(new Set(await readdir(folder))).toEqual(new Set(["xray.json", "xray.json.bak"]));
  });

  it("that changes nothing writes nothing, but takes away what a killed writer left", async () => {
    const file = new XrayConfigFile({ path });
    await file.update(changesFor(1));
    const before = await stat(path);
    await writeFile(join(folder, ".xray.json.veil-left-over"), "secret");
    expect(await file.update(changesFor(1))).toMatchObject({ result: "unchanged" });
    expect((await stat(path)).ino).toBe(before.ino);
    expect(new Set(await readdir(folder))).toEqual(new Set(["xray.json", "xray.json.bak"]));
  });

  it("shows the check a file that only those can read who can read the config", async () => {
    await chmod(path, 0o600);
    const seen: { mode: number; ofFolder: string }[] = [];
    const check = async (candidate: string) => {
      seen.push({ mode: (await stat(candidate)).mode & 0o777, ofFolder: dirname(candidate) });
    };
    await new XrayConfigFile({ path, check }).update(changesFor(1));
    expect(seen).toEqual([{ mode: 0o600, ofFolder: folder }]);
  });

  it("follows a link and replaces what it points to", async () => {
    await mkdir(join(folder, "real"));
    await rename(path, join(folder, "real", "server.json"));
    await symlink(join(folder, "real", "server.json"), path);
    await new XrayConfigFile({ path }).update(changesFor(1));
    expect(await readFile(join(folder, "real", "server.json"), "utf8")).toContain("1@veil");
    expect(new Set(await readdir(folder))).toEqual(new Set(["real", "xray.json"]));
  });

  it("asks for the changes again when the file changes meanwhile, and keeps the other's change", async () => {
    let asked = 0;
    const changes = async () => {
      asked += 1;
      if (asked === 1) await appendFile(path, "// by hand\n");
      return changesFor(asked)();
    };
    expect(await new XrayConfigFile({ path }).update(changes)).toMatchObject({ result: "written" });
    const text = await readFile(path, "utf8");
    expect(text).toContain("// by hand");
    expect(text).toContain("2@veil");
    expect(text).not.toContain("1@veil");
  });

  it("gives up when the file changes again and again", async () => {
    const changes = async () => {
      await appendFile(path, "\n");
      return changesFor(1)();
    };
    expect(await failureOf(new XrayConfigFile({ path }).update(changes))).toBeInstanceOf(ConfigChangedError);
    expect(await readFile(path, "utf8")).not.toContain("@veil");
  });
});

describe("a writer that was overtaken while it stood still", () => {
  it("does not put its old text in the place of the newer one, but looks again", async () => {
    let wanted = 1;
    const changes = () => changesFor(wanted)();
    const check = async () => {
      wanted = 2;
      await new XrayConfigFile({ path }).update(changes);
    };
    expect(await new XrayConfigFile({ path, check }).update(changes)).toMatchObject({ result: "unchanged" });
    const text = await readFile(path, "utf8");
    expect(text).toContain("2@veil");
    expect(text).not.toContain("1@veil");
  });

  it("looks again also when the one that overtook it found nothing to change", async () => {
    let wanted = 1;
    const changes = () => changesFor(...(wanted === 0 ? [] : [wanted]))();
    const file = new XrayConfigFile({ path });
    await file.update(changesFor());
    const overtake = async () => {
      const old = await changes();
      if (wanted === 0) return old;
      wanted = 0;
      await sleep(20); // The clock of a file's times ticks every few milliseconds.
      expect(await file.update(changes)).toMatchObject({ result: "unchanged" });
      return old;
    };
    expect(await new XrayConfigFile({ path }).update(overtake)).toMatchObject({ result: "unchanged" });
    expect(await readFile(path, "utf8")).not.toContain("1@veil");
  });

  it("has lost its temporary file by then", async () => {
    let seen = "";
    const check = async (candidate: string) => {
      seen = candidate;
      await removeLeftOvers(path);
      await expect(stat(candidate)).rejects.toThrow("ENOENT");
    };
    expect(await failureOf(new XrayConfigFile({ path, check }).update(changesFor(1)))).toBeInstanceOf(
      ConfigChangedError,
    );
    expect(seen).toContain(".xray.json.veil-");
  });
});

describe("a config that Xray checks", () => {
  it("is refused with the reason and without secrets, and the file stays", async () => {
    const broken = ownXrayConfig().replace(/"privateKey": "[^"]*"/, `"privateKey": "c2VjcmV0LXNlY3JldC1zZWNyZXQ"`);
    await writeFile(path, broken);
    const file = new XrayConfigFile({ path, check: configCheck(inject("xrayBinary")) });
    const failure = await failureOf(file.update(changesFor(1)));
    expect(failure).toBeInstanceOf(ConfigRefusedError);
    expect(failure).toMatchObject({ exitCode: 23 });
    expect(String(failure)).toContain("privateKey");
    expect(String(failure)).not.toContain("c2VjcmV0");
    expect(await readFile(path, "utf8")).toBe(broken);
    expect(await readdir(folder)).toEqual(["xray.json"]);
  });

  it("is refused when there is no such Xray", async () => {
    const file = new XrayConfigFile({ path, check: configCheck(join(folder, "no-xray")) });
    expect(await failureOf(file.update(changesFor(1)))).toMatchObject({ name: "ConfigRefusedError", exitCode: null });
  });
});

describe("a file that", () => {
  it("is missing is a failure of its own", async () => {
    const file = new XrayConfigFile({ path: join(folder, "no.json") });
    expect(await failureOf(file.update(changesFor(1)))).toBeInstanceOf(ConfigReadError);
  });

  it("is no UTF-8 is left as it is", async () => {
    const bytes = Buffer.concat([Buffer.from(ownXrayConfig()), Buffer.from([0x2f, 0x2f, 0xff])]);
    await writeFile(path, bytes);
    expect(await failureOf(new XrayConfigFile({ path }).update(changesFor(1)))).toMatchObject({
      name: "ConfigInvalidError",
    });
    expect(await readFile(path)).toEqual(bytes);
  });

  it("can't be replaced stays", async () => {
    const stuck = join(folder, "stuck");
    await mkdir(stuck);
    await link(path, join(stuck, "xray.json"));
    await mkdir(join(stuck, "xray.json.bak"));
    const before = await readFile(path, "utf8");
    const failure = await failureOf(new XrayConfigFile({ path: join(stuck, "xray.json") }).update(changesFor(1)));
    expect(failure).toBeInstanceOf(ConfigWriteError);
    expect(await readFile(join(stuck, "xray.json"), "utf8")).toBe(before);
    expect(new Set(await readdir(stuck))).toEqual(new Set(["xray.json", "xray.json.bak"]));
  });
});

describe("a writer that is killed", () => {
  const kills = 30;
  const clientCount = 5_000;
  /** About the time of one round with so many clients. */
  const longestMs = 250;

  it(`at any point leaves a whole file, ${kills} times with ${clientCount} clients`, { timeout: 400_000 }, async () => {
    const binary = inject("xrayBinary");
    const check = configCheck(binary);
    await chmod(path, 0o640);
    const counts = new Set<number>();
    let leftOvers = 0;
    // On a slow machine a round takes longer: on, with longer pauses, until one was killed between its first and last byte.
    for (let kill = 1; kill <= kills || leftOvers === 0; kill += 1) {
      // Every third with Xray's check, in which a writer spends most of its time; the others are killed as they write.
      const writer = startWriter(kill % 3 === 0 ? binary : "", clientCount);
      await firstOutput(writer);
      await sleep(Math.random() * longestMs * Math.ceil(kill / kills) ** 2);
      writer.kill("SIGKILL");
      await once(writer, "exit");

      await check(path);
      counts.add((await readFile(path, "utf8")).match(/@veil"/g)?.length ?? 0);
      for (const name of await readdir(folder)) {
        if (name.startsWith(".")) leftOvers += 1;
        expect((await stat(join(folder, name))).mode & 0o027, `${name} is for no others`).toBe(0);
      }
    }
    expect([...counts].filter((count) => count !== clientCount && count !== clientCount - 1)).toEqual([]);
    await new XrayConfigFile({ path }).update(changesFor(1));
    expect(new Set(await readdir(folder))).toEqual(new Set(["xray.json", "xray.json.bak"]));
  });

  function startWriter(binary: string, count: number): ChildProcess {
    const script = fileURLToPath(new URL("../test/restless-writer.mjs", import.meta.url));
    return spawn(process.execPath, [script, path, binary, String(count)], { stdio: ["ignore", "pipe", "inherit"] });
  }

  async function firstOutput(writer: ChildProcess): Promise<void> {
    if (writer.stdout === null) throw new Error("the writer has no output");
    await Promise.race([
      once(writer.stdout, "data"),
      once(writer, "exit").then(([code]) => Promise.reject(new Error(`the writer ended with code ${code}`))),
    ]);
  }
});
