import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CertificateAuthority, startTlsFront, type TlsFront } from "@veil/test-support";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { RealXray } from "../test/real-xray.ts";
import { CertificateFolder } from "./certificate-folder.ts";
import { XrayUnreachableError } from "./errors.ts";
import { connectXrayNode, type XrayNode, type XrayNodeOptions } from "./xray-node.ts";

const NODE = "fi-1.example.com";
const FILES = { caFile: "ca.crt", certificateFile: "tls.crt", keyFile: "tls.key", serverName: NODE };
const USER = {
  email: "1@veil",
  account: { protocol: "vless", uuid: "3c4a2a55-6a3f-4bb5-9c9d-0d6c1d8d8a12", flow: "" },
} as const;

let xray: RealXray;
let ca: CertificateAuthority;
let front: TlsFront;
let folder: string;
const open: XrayNode[] = [];

function connect(options: Partial<XrayNodeOptions> = {}): XrayNode {
  const identity = new CertificateFolder(folder).identity(FILES);
  const node = connectXrayNode({
    ...{ name: "test", address: front.address, inboundTag: "vless-in", identity, callTimeoutMs: 2_000 },
    ...options,
  });
  open.push(node);
  return node;
}

function reachable(node: XrayNode): Promise<void> {
  return vi.waitFor(() => expect(node.reachable).toBe(true), { interval: 10 });
}

/** Why a call was not sent. */
async function refusalOf(node: XrayNode): Promise<string> {
  const error = await node.uptimeSeconds().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(XrayUnreachableError);
  expect(node.reachable).toBe(false);
  return String(error);
}

beforeAll(async () => {
  xray = await RealXray.create(inject("xrayBinary"));
  await xray.start();
  ca = await CertificateAuthority.create();
  front = await startTlsFront({ ...(await ca.issue(NODE)), ca: ca.certificate, target: xray.address });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "veil-tls-"));
  await ca.writeTo(folder, await ca.issue("control plane"));
});

afterEach(async () => {
  for (const node of open.splice(0)) node.close();
  await rm(folder, { recursive: true });
});

afterAll(async () => {
  await front.stop();
  await xray.kill();
});

describe("a node behind mutual TLS", () => {
  it("is used as any other, and shows when its certificate ends", async () => {
    const node = connect();
    await reachable(node);
    expect(await node.addUser(USER)).toBe("added");
    expect((await node.getUser(USER.email))?.email).toBe(USER.email);
    await node.removeUser(USER.email);
    expect(node.serverCertificateEnd).toBeGreaterThan(Date.now() / 1_000);
  });

  it.each([
    ["of another CA", "authority" as const],
    ["that is over", "expired" as const],
  ])("is not reached with a certificate of ours %s, which the front refuses", async (_, kind) => {
    const before = front.admitted();
    const own = kind === "authority" ? await CertificateAuthority.create() : ca;
    const end = kind === "expired" ? new Date(Date.now() - 60_000) : undefined;
    const issued = await own.issue("control plane", end);
    await ca.writeTo(folder, issued);
    const node = connect();
    await refusalOf(node);
    expect(front.admitted()).toBe(before);
  });

  it("is not reached when its certificate is of another CA", async () => {
    const other = await CertificateAuthority.create();
    await other.writeTo(folder, await ca.issue("control plane"));
    expect(await refusalOf(connect())).toMatch(/certificate/);
  });

  it("is not reached when its certificate has another name", async () => {
    const identity = new CertificateFolder(folder).identity({ ...FILES, serverName: "de-1.example.com" });
    expect(await refusalOf(connect({ identity }))).toMatch(/altnames|does not match/i);
  });

  it("is not reached in plaintext", async () => {
    await refusalOf(connect({ identity: undefined }));
  });

  it("is spoken to with renewed files from the next connection on, and no longer with those of before", async () => {
    const node = connect();
    await reachable(node);
    await ca.writeTo(folder, await ca.issue("control plane", new Date(Date.now() - 60_000)));
    const admitted = front.admitted();
    front.cut();
    await vi.waitFor(() => expect(node.reachable).toBe(false), { interval: 10 });
    // Several times as long as until a connection with the files of before would stand.
    await delay(1_000);
    expect(front.admitted()).toBe(admitted);
    await refusalOf(node);
    await ca.writeTo(folder, await ca.issue("control plane"));
    await reachable(node);
  });

  it("is never spoken to in plaintext while the files can't be read, and is reached soon after they can", async () => {
    await rm(join(folder, "tls.key"));
    const node = connect({ address: xray.address });
    expect(await refusalOf(node)).toContain("tls.key in XRAY_TLS_DIR can't be read (ENOENT)");
    const secured = connect();
    expect(await refusalOf(secured)).toContain("tls.key");
    await ca.writeTo(folder, await ca.issue("control plane"));
    await reachable(secured);
    expect(node.reachable).toBe(false);
  });
});

describe("a folder of certificates", () => {
  it("says when they end", async () => {
    const end = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 3_600_000);
    await ca.writeTo(folder, await ca.issue("control plane", end));
    const certificates = new CertificateFolder(folder);
    expect(certificates.ends(FILES).client).toBe(end.getTime() / 1_000);
    expect(certificates.fault(FILES, Date.now())).toBeNull();
    expect(certificates.fault(FILES, end.getTime())).toBe(`tls.crt in XRAY_TLS_DIR ended on ${end.toISOString()}`);
  });

  it("says what is wrong with its files", async () => {
    const now = Date.now();
    const certificates = new CertificateFolder(folder);
    expect(certificates.fault({ ...FILES, caFile: "none.crt" }, now)).toBe(
      "none.crt in XRAY_TLS_DIR can't be read (ENOENT)",
    );
    expect(certificates.fault({ ...FILES, caFile: "tls.key" }, now)).toBe(
      "tls.key in XRAY_TLS_DIR is no certificate in PEM",
    );
    const { key } = await ca.issue("another");
    await ca.writeTo(folder, { ...(await ca.issue("control plane")), key });
    expect(certificates.fault(FILES, now)).toBe("tls.key in XRAY_TLS_DIR is not the key of tls.crt");
    expect(certificates.fault({ ...FILES, keyFile: "tls.crt" }, now)).toBe(
      "tls.crt in XRAY_TLS_DIR is no private key in PEM without a password",
    );
    expect(new CertificateFolder(undefined).fault(FILES, now)).toBe("XRAY_TLS_DIR is not set");
  });
});
