import { generateKeyPairSync, randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { delimiter, join } from "node:path";
import { Closers, freePort, KillableProcess, startProcess } from "@veil/engines";
import { writePrivateFile } from "@veil/runtime";
import { expect, vi } from "vitest";
import { runTool } from "../cluster/kubectl.ts";

const PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"] as const;
export type Programs = Readonly<Record<(typeof PROGRAMS)[number], string>>;

/** Where the programs are: in the folder that KUBERNETES_BIN names, or on PATH. @returns the missing ones where some are */
export function findPrograms(): Programs | readonly string[] {
  const folders = [process.env["KUBERNETES_BIN"] ?? "", ...(process.env["PATH"] ?? "").split(delimiter)];
  const found = PROGRAMS.map((name) => [name, folders.map((folder) => join(folder, name)).find(isProgram)] as const);
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => name);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each of them is there
  return missing.length > 0 ? missing : (Object.fromEntries(found) as Programs);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** An address of this machine that pods can have: Kubernetes takes none of loopback. */
export function machineAddress(): string | null {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? null;
}

/** Kubernetes without machines: what `kubectl` asks for is kept and followed, and no container is ever started. */
export interface ControlPlane {
  readonly url: string;
  /** The certificate of its CA, as PEM. */
  readonly caFile: string;
  readonly kubeconfig: string;
  /** Kills its API. */
  kill(): Promise<void>;
  /** Starts it again. The controllers too: they would follow it again within a minute only. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startControlPlane(programs: Programs, dir: string, address: string): Promise<ControlPlane> {
  await mkdir(dir, { recursive: true });
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const file = (name: string) => join(dir, name);
  const [etcdUrl, peerUrl, url] = [
    `http://127.0.0.1:${etcdPort}`,
    `http://127.0.0.1:${peerPort}`,
    `https://127.0.0.1:${port}`,
  ];
  const caFile = file("certificates/apiserver.crt");
  const kubeconfig = file("kubeconfig");
  const token = randomBytes(16).toString("hex");
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  await writePrivateFile(file("accounts.key"), privateKey.export({ type: "pkcs1", format: "pem" }).toString());
  await writePrivateFile(file("accounts.pub"), publicKey.export({ type: "spki", format: "pem" }).toString());
  await writePrivateFile(file("tokens.csv"), `${token},admin,1,system:masters\n`);
  await writePrivateFile(kubeconfig, JSON.stringify(configOf({ url, caFile, token })));

  const closers = new Closers();
  const run = (name: keyof Programs, ...args: string[]) => {
    const start = () => startProcess({ binary: programs[name], args, logFile: file(`${name}.log`) });
    const process = new KillableProcess(name, start);
    closers.add(() => process.stop(5_000));
    return process;
  };
  const etcd = run(
    "etcd",
    ...["--name=one", `--data-dir=${file("etcd")}`, `--listen-client-urls=${etcdUrl}`],
    ...[`--advertise-client-urls=${etcdUrl}`, `--listen-peer-urls=${peerUrl}`],
    ...[`--initial-advertise-peer-urls=${peerUrl}`, `--initial-cluster=one=${peerUrl}`],
  );
  const api = run(
    "kube-apiserver",
    ...[`--etcd-servers=${etcdUrl}`, `--secure-port=${port}`, "--bind-address=127.0.0.1"],
    ...[`--advertise-address=${address}`, `--cert-dir=${file("certificates")}`],
    ...[`--token-auth-file=${file("tokens.csv")}`, "--authorization-mode=RBAC"],
    ...["--service-cluster-ip-range=10.96.0.0/24", "--service-account-issuer=https://kubernetes.default.svc"],
    ...[`--service-account-key-file=${file("accounts.pub")}`],
    ...[`--service-account-signing-key-file=${file("accounts.key")}`],
    // Nobody makes the account `default` here.
    "--disable-admission-plugins=ServiceAccount",
  );
  const controllers = run(
    "kube-controller-manager",
    ...[`--kubeconfig=${kubeconfig}`, "--controllers=endpointslice-controller", "--leader-elect=false"],
    "--secure-port=0",
  );
  const ready = async () => {
    const answer = () => runTool("kubectl", ["--kubeconfig", kubeconfig, "get", "--raw", "/readyz"]).catch(() => "");
    await vi.waitFor(async () => expect(await answer()).toBe("ok"), { timeout: 120_000, interval: 500 });
  };
  try {
    await etcd.start();
    await api.start();
    await ready();
    await controllers.start();
  } catch (error) {
    await closers.close();
    throw error;
  }
  return {
    ...{ url, caFile, kubeconfig },
    kill: () => api.kill(),
    restart: async () => {
      await api.start();
      await ready();
      await controllers.restart();
    },
    stop: () => closers.close(),
  };
}

function configOf({ url, caFile, token }: { readonly url: string; readonly caFile: string; readonly token: string }) {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority": caFile } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    "current-context": "test",
  };
}
