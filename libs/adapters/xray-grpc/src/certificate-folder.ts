import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import type { NodeTls } from "@veil/nodes";
import { errorMessage } from "@veil/runtime";
import type { TlsIdentity } from "./tls-identity.ts";

/** When certificates end. Unix seconds. */
export interface CertificateEnds {
  readonly ca: number;
  readonly client: number;
}

/** The certificates of this end, as whoever renews them leaves them in a folder. Every method reads the files anew. */
export class CertificateFolder {
  readonly #folder: string | undefined;

  /** @param folder undefined where the settings name none: then nothing can be read */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** What a connection takes as its `identity`; undefined for plaintext. */
  identity(files: NodeTls | null): (() => TlsIdentity) | undefined {
    return files === null ? undefined : () => this.#read(files);
  }

  /** @throws {Error} which file can't be read, or is no certificate */
  ends(files: NodeTls): CertificateEnds {
    return { ca: this.#end(files.caFile), client: this.#end(files.certificateFile) };
  }

  /** What keeps these files from being used, in a sentence; null when nothing does. */
  fault(files: NodeTls): string | null {
    try {
      this.ends(files);
      const { ca, certificate, key } = this.#read(files);
      createSecureContext({ ca, cert: certificate, key });
      return null;
    } catch (error) {
      return errorMessage(error);
    }
  }

  #read({ caFile, certificateFile, keyFile, serverName }: NodeTls): TlsIdentity {
    return {
      ca: this.#file(caFile),
      certificate: this.#file(certificateFile),
      key: this.#file(keyFile),
      serverName,
    };
  }

  #end(name: string): number {
    const pem = this.#file(name);
    try {
      return Math.floor(Date.parse(new X509Certificate(pem).validTo) / 1_000);
    } catch (cause) {
      throw new Error(`${name} in XRAY_TLS_DIR is no certificate in PEM`, { cause });
    }
  }

  #file(name: string): Buffer {
    if (this.#folder === undefined) throw new Error("XRAY_TLS_DIR is not set");
    try {
      return readFileSync(join(this.#folder, name));
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
      throw new Error(`${name} in XRAY_TLS_DIR can't be read (${code})`, { cause });
    }
  }
}
