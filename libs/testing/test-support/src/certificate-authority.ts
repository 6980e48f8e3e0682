import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";

const DAY_MS = 24 * 60 * 60 * 1_000;
const KEY = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

export interface IssuedCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

/** A CA for the certificates of one test. */
export class CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  readonly #key: string;

  private constructor(certificate: string, key: string) {
    this.certificate = certificate;
    this.#key = key;
  }

  static async create(): Promise<CertificateAuthority> {
    const { cert, private: key } = await generate([{ name: "commonName", value: "CA of a test" }], {
      ...KEY,
      extensions: [
        { name: "basicConstraints", cA: true, critical: true },
        { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
      ],
    });
    return new CertificateAuthority(cert, key);
  }

  /** @param end when it stops being valid; a day from now by default */
  async issue(name: string, end = new Date(Date.now() + DAY_MS)): Promise<IssuedCertificate> {
    const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
      ...KEY,
      ca: { cert: this.certificate, key: this.#key },
      notBeforeDate: new Date(Date.now() - 2 * DAY_MS),
      notAfterDate: end,
      extensions: [
        { name: "basicConstraints", cA: false },
        { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
      ],
    });
    return { certificate: cert, key };
  }

  /** Writes `ca.crt`, `tls.crt` and `tls.key`, as a TLS secret of Kubernetes has them. */
  async writeTo(folder: string, { certificate, key }: IssuedCertificate): Promise<void> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "ca.crt"), this.certificate);
    await writeFile(join(folder, "tls.crt"), certificate);
    await writeFile(join(folder, "tls.key"), key, { mode: 0o600 });
  }
}
