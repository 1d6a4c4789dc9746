import type { AuthenticationType, ConnectConfig } from "ssh2";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Endpoint } from "../options.ts";
import { readPrivateKey } from "./private-key.ts";

/** How a user shows who it is, in this order: key, agent, password, password as the answer to a question. */
export async function openCredentials(
  { password, privatekey, passphrase, agent }: Endpoint,
  host: Pick<Host, "files" | "env">,
): Promise<ConnectConfig> {
  const authHandler: AuthenticationType[] = [];
  const config: ConnectConfig = { authHandler };
  if (privatekey !== undefined) {
    authHandler.push("publickey");
    Object.assign(config, await readPrivateKey(privatekey, passphrase, host.files));
  }
  if (agent !== undefined && agent !== false) {
    authHandler.push("agent");
    config.agent = agent === true ? agentOf(host.env) : agent;
  }
  if (password !== undefined) {
    authHandler.push("password", "keyboard-interactive");
    Object.assign(config, { password, tryKeyboard: true });
  }
  return config;
}

function agentOf({ SSH_AUTH_SOCK: socket }: Host["env"]): string {
  if (socket === undefined || socket === "") {
    throw new DutError("failed_precondition", "there is no ssh-agent: SSH_AUTH_SOCK is not set where dutagent runs", {
      hint: "set the option agent to the path of the socket of an ssh-agent",
    });
  }
  return socket;
}
