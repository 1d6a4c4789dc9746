import { z } from "zod";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";
import type { HttpTls } from "#pkg/host/http.ts";

/** Where a device is that is spoken to by https, and how its certificate is known. To be completed by `checkHttps`. */
export const httpsOptions = {
  host: z
    .string({ error: ({ input }) => (input === undefined ? "host is required" : "must be a name or an address") })
    .check((context) => {
      try {
        parseOrigin(context.value);
      } catch (error) {
        context.issues.push({ code: "custom", message: messageOf(error), input: context.value });
      }
    })
    .describe("name or address of the device, with `:port` if it is not 443"),
  ca: z
    .string()
    .min(1)
    .optional()
    .describe("path of a PEM file on the agent: the authorities that may sign its certificate"),
  fingerprint: z
    .string()
    .regex(/^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, "expected SHA-256 in hexadecimal, with or without colons")
    .optional()
    .describe("SHA-256 of its certificate: that one alone is accepted, whoever signed it"),
  insecure: z.boolean().default(false).describe("accept every certificate, and `http://` in `host`"),
};

/** More than all the authorities of a system. */
const mostCaBytes = 1024 * 1024;

type HttpsOptions = z.output<z.ZodObject<typeof httpsOptions>>;

type Issues = Parameters<z.core.CheckFn<unknown>>[0]["issues"];

/** What one of the options of `httpsOptions` says against another. */
export function checkHttps(options: HttpsOptions, issues: Issues): void {
  const ways = (["ca", "fingerprint", "insecure"] as const).filter((way) => options[way]);
  if (ways.length > 1) {
    const message = `${ways[1]} says the opposite of ${ways[0]}: leave one of them out`;
    issues.push({ code: "custom", path: [String(ways[1])], message, input: undefined });
  }
  if (options.host.startsWith("http://") && !options.insecure) {
    const message = "without TLS everyone on the way reads the password: set insecure if that is meant";
    issues.push({ code: "custom", path: ["host"], message, input: options.host });
  }
}

/** `https://name:port` from what `host` may be. Throws invalid_argument. */
export function parseOrigin(host: string): string {
  const bare = /^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*$/i.test(host) ? `[${host}]` : host;
  const url = URL.parse(/^https?:\/\//.test(bare) ? bare : `https://${bare}`);
  if (host === "" || url === null || url.href !== `${url.origin}/`) {
    throw new DutError("invalid_argument", "expected a name or an address, with :port if need be");
  }
  return url.origin;
}

/** How the certificate is judged. Throws not_found when there is no file `ca`. */
export async function readTls({ ca, fingerprint, insecure }: HttpsOptions, files: Files): Promise<HttpTls> {
  if (ca !== undefined) {
    const pem = await files.readText(ca, mostCaBytes);
    if (pem === undefined) {
      throw new DutError("not_found", `there is no file ${ca} on the agent`, { hint: "check the option ca" });
    }
    return { ca: pem };
  }
  return fingerprint === undefined ? { insecure } : { fingerprint };
}
