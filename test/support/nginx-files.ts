import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import { HeldPorts } from "./held-ports.ts";
import { nginxConfiguration } from "./nginx-configuration.ts";

/** How much of an answer below `/slow` comes at once. */
export const fastBytes = 1024 * 1024;

/** An nginx that serves files, with ranges. Disposing takes it and the files away. */
export interface NginxFiles extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`; the same files are below `/slow`, and below `/private` for the user `lab`, password `secret`. */
  readonly url: string;
  write(name: string, content: Uint8Array | string): Promise<void>;
}

export async function openNginxFiles(): Promise<NginxFiles> {
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(await mkdtempDisposable(join(tmpdir(), "nginx-")));
  const port = await opened.use(new HeldPorts()).hold();
  const files = join(folder, "files");
  await mkdir(files);
  await writeFile(join(folder, "users"), "lab:{PLAIN}secret\n");
  await writeFile(join(folder, "nginx.conf"), configuration(folder, port));
  const args = ["-p", folder, "-c", join(folder, "nginx.conf")];
  const nginx = opened.use(new Child(["nginx", ...args], { cwd: folder, env: process.env }));
  await nginx.said("stderr", /using the "[a-z]+" event method/);
  const release = opened.move();
  return {
    url: `http://127.0.0.1:${port}`,
    write: (name, content) => writeFile(join(files, name), content),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

function configuration(folder: string, port: number): string {
  return nginxConfiguration(
    folder,
    `server {
  listen 127.0.0.1:${port};
  root ${folder}/files;
  location /slow/ { alias ${folder}/files/; limit_rate_after ${fastBytes}; limit_rate 1k; }
  location /private/ { alias ${folder}/files/; auth_basic "lab"; auth_basic_user_file ${folder}/users; }
}`,
  );
}
