import { readFile } from "node:fs/promises";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import type { Lab } from "./lab.ts";

/** Flags that name the files of somebody in a lab: `tls-cert` and `tls-key`. */
export type Flags = readonly string[];

/** The certificates of a lab, made by the programs themselves. */
export interface LabCertificates {
  /** Where all of them are. */
  readonly directory: string;
  /** The path of the authority. */
  readonly ca: string;
  /** Makes one, or renews it, and answers the flags that use it. */
  issue(kind: "user" | "agent" | "server", name: string, ...more: readonly string[]): Promise<Flags>;
  /** Flags of a client of this authority, with a certificate or without. */
  client(own?: Flags): Flags;
  /** The same of a client in the test itself. */
  clientTls(own: Flags): Promise<ClientTls>;
  /** Flags of who listens and lets in whom the authority knows. */
  guarded(own: Flags): Flags;
}

/** An authority in a folder of the lab. */
export async function labCertificates(lab: Lab, folder = "tls"): Promise<LabCertificates> {
  const directory = lab.path(folder);
  const dutserver = async (...words: readonly string[]) => {
    const { code, stderr } = await lab.start("dutserver", words).ended;
    if (code !== 0) {
      throw new Error(`dutserver ${words.join(" ")}: ${stderr}`);
    }
  };
  await dutserver("init", "-dir", directory, "localhost", "127.0.0.1");
  const ca = `${directory}/ca.pem`;
  return {
    directory,
    ca,
    async issue(kind, name, ...more) {
      await dutserver("cert", kind, "-dir", directory, ...more, name);
      return ["-tls-cert", `${directory}/${kind}-${name}.pem`, "-tls-key", `${directory}/${kind}-${name}.key`];
    },
    client: (own = []) => ["-tls-ca", ca, ...own],
    async clientTls([, cert = "", , key = ""]) {
      const [caText, certText, keyText] = await Promise.all([
        readFile(ca, "utf8"),
        readFile(cert, "utf8"),
        readFile(key, "utf8"),
      ]);
      return { ca: caText, own: { cert: certText, key: keyText } };
    },
    guarded: (own) => [...own, "-tls-client-ca", ca],
  };
}
