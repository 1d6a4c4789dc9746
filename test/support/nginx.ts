import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import type { Lab } from "./lab.ts";
import { nginxConfiguration } from "./nginx-configuration.ts";

/** Why a test that needs nginx is skipped, if it is. */
export const withoutNginx: string | false =
  spawnSync("nginx", ["-v"]).error === undefined ? false : "needs nginx: apt-get install nginx-light";

/** An nginx in front of a server. It goes with the lab. */
export interface Nginx {
  /** Where clients come in, by `grpc_pass`: the address of a unix socket. */
  readonly clients: string;
  /** Where agents dial in, by a proxy that passes upgrades on. */
  readonly agents: string;
}

/** How long it waits for either side, in seconds, wherever it can be told to. */
export async function openNginx(lab: Lab, server: string, patience: number): Promise<Nginx> {
  const folder = lab.path("nginx");
  await mkdir(folder);
  await writeFile(`${folder}/nginx.conf`, configuration(folder, server, patience));
  const nginx = lab.startWords(["nginx", "-p", folder, "-c", `${folder}/nginx.conf`]);
  await nginx.said("stderr", /using the "[a-z]+" event method/);
  return { clients: `unix:${folder}/clients.sock`, agents: `unix:${folder}/agents.sock` };
}

function configuration(folder: string, server: string, seconds: number): string {
  return nginxConfiguration(
    folder,
    `client_body_timeout ${seconds}s; keepalive_timeout ${seconds}s; send_timeout ${seconds}s;
server {
  listen unix:${folder}/clients.sock http2;
  location / {
    grpc_pass grpc://${server};
    grpc_read_timeout ${seconds}s; grpc_send_timeout ${seconds}s;
  }
}
server {
  listen unix:${folder}/agents.sock;
  location / {
    proxy_pass http://${server};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection upgrade;
    proxy_read_timeout ${seconds}s; proxy_send_timeout ${seconds}s;
  }
}`,
  );
}
