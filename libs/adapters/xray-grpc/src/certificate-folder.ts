import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
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

  /** The `identity` of a connection with these files; undefined for plaintext. */
  identity(files: NodeTls | null): (() => TlsIdentity) | undefined {
    return files === null ? undefined : () => this.#read(files);
  }

  /** @throws {Error} which file can't be read, or is no certificate */
  ends(files: NodeTls): CertificateEnds {
    return { ca: this.#end(files.caFile), client: this.#end(files.certificateFile) };
  }

  /**
   * The reason why these files can't be used, as a sentence; null when there is none. @param now milliseconds since the
   * epoch
   */
  fault(files: NodeTls, now: number): string | null {
    try {
      for (const name of [files.caFile, files.certificateFile]) {
        const end = this.#end(name);
        if (end <= now / 1_000) return `${name} in XRAY_TLS_DIR ended on ${new Date(end * 1_000).toISOString()}`;
      }
      const { ca, certificate, key } = this.#read(files);
      const { certificateFile, keyFile } = files;
      if (!new X509Certificate(certificate).checkPrivateKey(this.#privateKey(keyFile))) {
        return `${keyFile} in XRAY_TLS_DIR is not the key of ${certificateFile}`;
      }
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

  #privateKey(name: string): KeyObject {
    const pem = this.#file(name);
    try {
      return createPrivateKey(pem);
    } catch (cause) {
      throw new Error(`${name} in XRAY_TLS_DIR is no private key in PEM without a password`, { cause });
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
