import { X509Certificate } from "node:crypto";
import { peerOfCertificate } from "#pkg/auth/peer.ts";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import type { Listener, ServerTls } from "#pkg/protocol/listener.ts";
import { readTls, type TlsTexts } from "./read-tls.ts";
import type { TlsPaths } from "./tls-flags.ts";

const dayMs = 24 * 3_600_000;

/** How long before its end a certificate is worth a warning, in days. */
const warningDays = 30;

/** The certificates of a daemon, as its files had them when they were last read and fit for use. Disposing ends the warnings. */
export interface Tls extends Disposable {
  /** For its listener; undefined for one in the clear. */
  readonly listening: ServerTls | undefined;
  /** For a connection that is made now; undefined for one in the clear. */
  towardsServers(): ClientTls | undefined;
  /** Whom its own certificate is for, if it is one of an agent. */
  readonly agentName: string | undefined;
  /** Reads the files again, and lets a listener have them. What cannot be used is logged, and leaves all as it was. */
  renew(listener: Listener | undefined): Promise<void>;
}

/**
 * Reads the files that the flags name. Logs what will end soon, now and once a day. Resolves with undefined after logging why
 * they cannot be used.
 */
export async function openTls(paths: TlsPaths, log: Log): Promise<Tls | undefined> {
  try {
    return new TlsFiles(paths, await readTls(paths), log);
  } catch (error) {
    log.error("cannot use the certificates", { err: explain(error) });
    return undefined;
  }
}

class TlsFiles implements Tls {
  readonly #paths: TlsPaths;
  readonly #log: Log;
  readonly #daily: NodeJS.Timeout;
  #texts: TlsTexts;

  constructor(paths: TlsPaths, texts: TlsTexts, log: Log) {
    this.#paths = paths;
    this.#texts = texts;
    this.#log = log;
    this.#warn();
    this.#daily = setInterval(() => this.#warn(), dayMs).unref();
  }

  get listening(): ServerTls | undefined {
    const { own, clientCa } = this.#texts;
    return own === undefined ? undefined : { ...own, clientCa };
  }

  towardsServers(): ClientTls | undefined {
    const { own, ca } = this.#texts;
    return ca === undefined ? undefined : { own, ca: ca.kind === "file" ? ca.pem : undefined, expects: "server" };
  }

  get agentName(): string | undefined {
    const own = this.#texts.own && peerOfCertificate(new X509Certificate(this.#texts.own.cert));
    return own?.role === "agent" ? own.name : undefined;
  }

  async renew(listener: Listener | undefined): Promise<void> {
    if (this.#texts.certificates.length === 0) {
      return;
    }
    try {
      const texts = await readTls(this.#paths);
      if (texts.own !== undefined) {
        listener?.reloadTls({ ...texts.own, clientCa: texts.clientCa });
      }
      this.#texts = texts;
      this.#log.info("certificates read again");
      this.#warn();
    } catch (error) {
      this.#log.error("certificates not changed", { err: explain(error) });
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#daily);
  }

  #warn(): void {
    for (const { certificate, place } of this.#texts.certificates) {
      const days = Math.floor((certificate.validToDate.getTime() - Date.now()) / dayMs);
      if (days < warningDays) {
        this.#log.warn(days < 0 ? "a certificate has expired" : "a certificate will expire soon", {
          file: place,
          until: certificate.validToDate.toISOString(),
        });
      }
    }
  }
}
