import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { type Daemon, Lab } from "#test/support/lab.ts";
import { type ProgramName, programFolder, sourcePrograms } from "#test/support/programs.ts";

const run = promisify(execFile);
const contrib = join(import.meta.dirname, "../contrib");

/** What of the manifests is looked at here. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly serviceName: string;
    readonly replicas: number;
    readonly template: {
      readonly spec: { readonly containers: readonly Container[]; readonly terminationGracePeriodSeconds: number };
    };
  };
}

interface Container {
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly ports: readonly { readonly name: string }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Service {
  readonly image: string;
  readonly command: readonly string[];
}

function read(file: string): Promise<string> {
  return readFile(join(contrib, file), "utf8");
}

/** Every document of a file. */
async function documents<T>(file: string): Promise<readonly T[]> {
  const parsed = parseAllDocuments(await read(file), { merge: true });
  if ("empty" in parsed) {
    throw new Error(`${file} is empty`);
  }
  assert.deepEqual(
    parsed.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
    [],
  );
  return parsed.map((document) => document.toJS());
}

async function servicesOf(file: string): Promise<Readonly<Record<string, Service>>> {
  const [compose] = await documents<{ services: Record<string, Service> }>(file);
  assert.ok(compose);
  return compose.services;
}

async function statefulSet(file: string): Promise<Manifest> {
  const found = (await documents<Manifest>(file)).find(({ kind }) => kind === "StatefulSet");
  assert.ok(found);
  return found;
}

/** A file of a Debian package, as it lies there. */
const packaged = (program: string, path: string) => `debian/${program}/${path}`;
const unitOf = (program: string) => packaged(program, `usr/lib/systemd/system/${program}.service`);

/** The command lines of a unit with each of the options that its package proposes. */
async function unitLines(program: string): Promise<readonly string[]> {
  const [, line = ""] = /^ExecStart=\/usr\/bin\/(.*)$/m.exec(await read(unitOf(program))) ?? [];
  const [, variable = ""] = /\$(\w+)/.exec(line) ?? [];
  const options = await read(packaged(program, `etc/default/${program}`));
  const proposals = Array.from(options.matchAll(new RegExp(`^#?${variable}="(.*)"$`, "gm")), ([, words = ""]) => words);
  return proposals.map((words) => line.replace(`$${variable}`, words));
}

const folder = await mkdtempDisposable(join(tmpdir(), "contrib-"));
after(() => folder[Symbol.asyncDispose]());
const programs = await programFolder(join(folder.path, "bin"));
const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` };

const lines: readonly (readonly [where: string, line: () => Promise<readonly string[]>])[] = [
  ...(await Promise.all(["dutagent", "dutserver"].map(async (program) => [program, await unitLines(program)] as const)))
    .flatMap(([program, proposals]) => proposals.map((proposal) => [program, proposal] as const))
    .map(([program, proposal], index) => [`${unitOf(program)}, ${index}`, async () => proposal.split(" ")] as const),
  ...[1, 2, 3].map(
    (number) =>
      [
        `compose/compose.yaml, server-${number}`,
        async () => ["dutserver", ...((await servicesOf("compose/compose.yaml"))[`server-${number}`]?.command ?? [])],
      ] as const,
  ),
  [
    "kubernetes/dutserver.yaml",
    async () => {
      const { args = [] } = (await statefulSet("kubernetes/dutserver.yaml")).spec.template.spec.containers[0] ?? {};
      return ["dutserver", ...args.map((word) => word.replace("$(POD_NAME)", "dutserver-0"))];
    },
  ],
];

for (const [where, line] of lines) {
  test(`the command line in contrib/${where} is one that the program takes, with the files of its certificates`, async () => {
    const [program = "", ...words] = await line();
    const started = [...sourcePrograms[program as ProgramName], ...words];
    const [path = "", ...args] = started;
    const version = await run(path, [...args, "-v"]);
    assert.match(version.stdout, /^DUT Control /);
    if (!words.includes("-tls-cert")) {
      return;
    }
    // The files are not there.
    const { status, stderr } = spawnSync(path, args, { encoding: "utf8", cwd: folder.path });
    assert.equal(status, 1);
    assert.match(stderr, /cannot use the certificates|loading config failed/);
  });
}

test("the certificates of contrib/compose/ are valid for every server, at every start again", async () => {
  await using made = await mkdtempDisposable(join(tmpdir(), "authority-"));
  const { certificates, ...others } = await servicesOf("compose/compose.yaml");
  const script = String(certificates?.command[0])
    .replaceAll(/\$\{LAB_HOST:-(\w+)\}/g, "$1")
    .replace(/^install .*$/m, "ls");
  for (const _ of ["first", "second"]) {
    const { stdout } = await run("/bin/sh", ["-ec", script], { cwd: made.path, env });
    assert.match(stdout, /^ca\.key\nca\.pem\nserver-lab\.key\nserver-lab\.pem\n$/m);
  }
  const certificate = new X509Certificate(await readFile(join(made.path, "server-lab.pem")));
  const hosts = [...Object.keys(others), "localhost"];
  assert.deepEqual(
    hosts.map((host) => certificate.checkHost(host)),
    hosts,
  );
});

test("every pod of contrib/kubernetes/ has a certificate by its name, which the README makes", async () => {
  await using made = await mkdtempDisposable(join(tmpdir(), "authority-"));
  const [, commands = ""] = /^```sh\n(dutserver init [\s\S]*?)^```$/m.exec(await read("kubernetes/README.md")) ?? [];
  await run("/bin/sh", ["-ec", commands], { cwd: made.path, env });
  const known = new Set<string>();
  const named = new Set<string>();
  for (const [file, own] of [
    ["kubernetes/dutserver.yaml", "lab"],
    ["kubernetes/etcd.yaml", "etcd"],
  ] as const) {
    const { metadata, spec } = await statefulSet(file);
    const certificate = new X509Certificate(await readFile(join(made.path, "tls", `server-${own}.pem`)));
    for (let number = 0; number < spec.replicas; number += 1) {
      const pod = `${metadata.name}-${number}.${spec.serviceName}.lab.svc.cluster.local`;
      assert.notEqual(certificate.checkHost(pod), undefined, pod);
      known.add(pod);
    }
    for (const [pod] of (await read(file)).matchAll(/\b[a-z]+-\d\.[a-z]+\.lab\.svc\.cluster\.local\b/g)) {
      named.add(pod);
    }
  }
  assert.deepEqual(named.difference(known), new Set());
});

test("a server on Kubernetes is asked at a port that it has for what it answers, and gets the time that it needs", async () => {
  const { template } = (await statefulSet("kubernetes/dutserver.yaml")).spec;
  const [{ ports, livenessProbe, readinessProbe }] = template.spec.containers as [Container];
  assert.ok(template.spec.terminationGracePeriodSeconds >= 35);
  assert.deepEqual(
    [livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path),
    ["/healthz", "/readyz"],
  );
  for (const { httpGet } of [livenessProbe, readinessProbe]) {
    assert.ok(ports.some(({ name }) => name === httpGet.port));
  }
});

test("the image asks a server how it is, and hears no when nobody answers", async (t) => {
  const [, words = ""] = /^ *CMD (\[.*\])$/m.exec(await read("container/Containerfile")) ?? [];
  await using lab = await Lab.open(t.signal);
  const server = await lab.server("-health", "localhost:0");
  const ask = (port: string) => {
    const [program = "", ...args] = (JSON.parse(words) as string[]).map((word) => word.replace("1027", port));
    return spawnSync(program, args).status;
  };
  const port = await healthPort(server);
  const alive = ask(port);
  await server.stop();
  assert.deepEqual([alive, ask(port)], [0, 1]);
});

async function healthPort(server: Daemon): Promise<string> {
  const [, port = ""] = await server.said("stderr", /"addr":"[^"]*:(\d+)"[^\n]*"msg":"health listening"/);
  return port;
}

const withoutAnalysis = spawnSync("systemd-analyze", ["--version"]).error && "needs systemd-analyze (package systemd)";

for (const [unit, exposure] of [
  ["dutserver", 15],
  ["dutagent", 20],
] as const) {
  test(`contrib/${unitOf(unit)} may do little`, { skip: withoutAnalysis ?? false }, async () => {
    const words = ["security", "--offline=true", `--threshold=${exposure}`, join(contrib, unitOf(unit))];
    await run("systemd-analyze", words);
  });
}
