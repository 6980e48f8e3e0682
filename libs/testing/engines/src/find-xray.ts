import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { buildGoModule } from "./build-go-module.ts";
import { EngineUnavailableError, WrongBinaryError } from "./engine-errors.ts";
import { fetchArchive } from "./fetch-archive.ts";
import { beginSearch, type FindOptions, firstWay, packageDirectory, type Search } from "./find-engine.ts";
import { findOnPath } from "./find-on-path.ts";
import { installHint } from "./install-hint.ts";
import { withProgress } from "./progress.ts";
import { runCommand } from "./run-command.ts";

const XRAY_VERSION = "26.3.27";
const DEFAULT_LOCATION = "/usr/local/bin/xray";

/** SHA-256 of the release's archives, as its .dgst files publish them, by `process.platform`-`process.arch`. */
const XRAY_ARCHIVES: Readonly<Record<string, { file: string; sha256: string }>> = {
  "linux-x64": {
    file: "Xray-linux-64.zip",
    sha256: "23cd9af937744d97776ee35ecad4972cf4b2109d1e0fe6be9930467608f7c8ae",
  },
  "linux-arm64": {
    file: "Xray-linux-arm64-v8a.zip",
    sha256: "4d30283ae614e3057f730f67cd088a42be6fdf91f8639d82cb69e48cde80413c",
  },
  "darwin-x64": {
    file: "Xray-macos-64.zip",
    sha256: "f5b0471d3459eff1b82e48af0aeac186abcc3298210070afbbbd8437a4e8b203",
  },
  "darwin-arm64": {
    file: "Xray-macos-arm64-v8a.zip",
    sha256: "2e93a67e8aa1936ecefb307e120830fcbd4c643ab9b1c46a2d0838d5f8409eaf",
  },
};

/** The same release as XRAY_VERSION: the Go proxy knows it under a version of its own scheme. */
const xrayModule = {
  directory: join(packageDirectory, "xray"),
  package: "github.com/xtls/xray-core/main",
  needsGo: [1, 26],
} as const;

/**
 * Path of an Xray: XRAY_BINARY, PATH, /usr/local/bin/xray, the cache, the official release, or built with Go.
 *
 * @throws {WrongBinaryError} when XRAY_BINARY is something else.
 * @throws {NoEngineError} when there is none.
 */
export async function findXray(options: FindOptions): Promise<string> {
  const search = beginSearch(options);
  const cached = `xray-${XRAY_VERSION}`;
  return firstWay("xray", installHint("xray"), [
    () => named(search),
    () => installed(search),
    () => search.cache.find(cached),
    () => download(search, cached),
    () => build(search, cached),
  ]);
}

async function named({ env }: Search): Promise<string | undefined> {
  const path = env["XRAY_BINARY"];
  if (!path) return undefined;
  if (!(await isXray(path))) {
    throw new WrongBinaryError(
      "XRAY_BINARY",
      path,
      `is no Xray that runs here; for example XRAY_BINARY=${DEFAULT_LOCATION}`,
    );
  }
  return path;
}

async function installed({ env }: Search): Promise<string | undefined> {
  for (const path of [await findOnPath(["xray"], env["PATH"] ?? ""), DEFAULT_LOCATION]) {
    if (path && (await isXray(path))) return path;
  }
  return undefined;
}

/** Other programs are named xray too. */
async function isXray(path: string): Promise<boolean> {
  const { code, output } = await runCommand(path, ["version"], { timeout: 10_000 });
  return code === 0 && /^Xray \d+\.\d+/m.test(output);
}

async function download({ progress, cache }: Search, name: string): Promise<string | undefined> {
  const archive = XRAY_ARCHIVES[`${process.platform}-${process.arch}`];
  if (!archive) return undefined;
  const url = `https://github.com/XTLS/Xray-core/releases/download/v${XRAY_VERSION}/${archive.file}`;
  return withProgress(progress, `Downloading Xray ${XRAY_VERSION}`, async () => {
    const zip = await fetchArchive(url, archive.sha256);
    const path = await cache.add(name, (target) => writeFile(target, unzipEntry(zip, "xray")));
    if (!(await isXray(path))) throw new EngineUnavailableError(`download: Xray ${XRAY_VERSION} does not run here`);
    return path;
  });
}

function build({ progress, cache, env }: Search, name: string): Promise<string> {
  return withProgress(progress, `Building Xray ${XRAY_VERSION} from its Go module, about three minutes`, () =>
    cache.add(name, (target) => buildGoModule(xrayModule, target, env)),
  );
}

const STORED = 0;
const DEFLATED = 8;
const END_OF_CENTRAL_DIRECTORY = Buffer.from([0x50, 0x4b, 0x05, 0x06]);

/**
 * The content of one file in a zip archive whose checksum was verified before.
 *
 * @throws {RangeError} when it is no zip archive, holds no such file, or holds it neither stored nor deflated.
 */
export function unzipEntry(archive: Buffer, name: string): Buffer {
  if (!archive.includes(END_OF_CENTRAL_DIRECTORY)) throw new RangeError("not a zip archive");
  const files = unzipSync(archive, {
    filter: (entry) => {
      if (entry.name !== name) return false;
      if (entry.compression === STORED || entry.compression === DEFLATED) return true;
      throw new RangeError(`compression method ${entry.compression} is not supported`);
    },
  });
  const content = files[name];
  if (content === undefined) throw new RangeError(`the archive holds no ${name}`);
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}
