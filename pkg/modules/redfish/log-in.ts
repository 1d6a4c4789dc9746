import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Http, HttpTls } from "#pkg/host/http.ts";
import type { Log } from "#pkg/log/log.ts";
import type { RedfishOptions } from "./options.ts";
import { ask, redfishService, type Service } from "./service.ts";
import { link } from "./system.ts";

/** The root may be read by anyone, and says where to log in (DSP0266, section "Session management"). */
const sessionsLink = z.object({ Links: z.object({ Sessions: link }) });

/** How long a session may take to be given back when nobody waits for it any more. */
const logoutMs = 5_000;

/** Logs in if the options want a session. Disposing gives the session back; services have few. */
export async function logIn(
  http: Http,
  tls: HttpTls,
  options: RedfishOptions,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Log },
): Promise<Service & AsyncDisposable> {
  const anonymous = { http, tls, options, signal, headers: {} };
  if (options.auth === "basic") {
    return { ...redfishService(anonymous), async [Symbol.asyncDispose]() {} };
  }
  const root = await redfishService(anonymous).get("/redfish/v1/", sessionsLink);
  const sessions = root.content.Links.Sessions["@odata.id"];
  const credentials = { UserName: options.user, Password: options.password };
  const { headers } = await ask(anonymous, "POST", sessions, credentials);
  const { "x-auth-token": token, location } = headers;
  if (token === undefined) {
    throw new DutError("data_loss", `POST ${sessions}: the service gave no token`, {
      hint: "set the option auth to basic",
    });
  }
  const known = { ...anonymous, headers: { "x-auth-token": token } };
  return {
    ...redfishService(known),
    async [Symbol.asyncDispose]() {
      if (location !== undefined) {
        await ask({ ...known, signal: AbortSignal.timeout(logoutMs) }, "DELETE", location).catch((error: unknown) =>
          log.warn("cannot give back a Redfish session", { host: options.host, error }),
        );
      }
    },
  };
}
