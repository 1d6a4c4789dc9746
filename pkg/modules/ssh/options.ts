import { z } from "zod";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { durationOption } from "../options/duration-option.ts";
import { permissionOption } from "../options/permission-option.ts";
import { parsePinnedKey } from "./connection/public-key.ts";

/** Where a server is, who logs in there, and how each knows the other. */
const endpoint = {
  host: z
    .string({ error: ({ input }) => (input === undefined ? "host is required" : "must be a name or an address") })
    .min(1, "host is required")
    .describe("name or address of the server"),
  port: z.int().min(1).max(65_535).default(22).describe("its port"),
  user: z.string().min(1).default("root").describe("whom to log in as"),
  password: z.string().optional().describe("password of the user").meta({ writeOnly: true }),
  privatekey: z.string().min(1).optional().describe("path of a private key on the agent"),
  passphrase: z.string().optional().describe("what the private key is encrypted with").meta({ writeOnly: true }),
  agent: z
    .union([z.boolean(), z.string().min(1)], { error: "must be true, or the path of a socket" })
    .optional()
    .describe("`true` for the ssh-agent that `SSH_AUTH_SOCK` of dutagent names, or the path of the socket of one"),
  hostkey: z
    .string()
    .check((context) => {
      try {
        parsePinnedKey(context.value);
      } catch (error) {
        context.issues.push({ code: "custom", message: messageOf(error), input: context.value });
      }
    })
    .optional()
    .describe("the server's public key as `<type> <base64>`, or its fingerprint as `SHA256:…`"),
  knownhosts: z.string().min(1).optional().describe("path of a known_hosts file on the agent"),
  trust: z
    .enum(["first-use", "any"])
    .optional()
    .describe("`first-use` adds an unknown server to `knownhosts`, `any` takes whatever answers"),
  legacy: z
    .boolean()
    .default(false)
    .describe("also take the weak algorithms of old servers: SHA-1, small groups, CBC, ssh-dss"),
};

/** A server by itself. */
export type Endpoint = z.output<z.ZodObject<typeof endpoint>>;

/** A server, and the one that it is reached through. */
export type Hop = Endpoint & { readonly jump?: Hop | undefined };

const lastJump = z.strictObject(endpoint).check(({ value, issues }) => reportProblems(value, issues));

export const sshOptions = z
  .strictObject({
    ...endpoint,
    jump: z
      .strictObject({ ...endpoint, jump: lastJump.optional().describe("a server to reach that one through") })
      .check(({ value, issues }) => reportProblems(value, issues))
      .optional()
      .describe("a server to go through: `host` to `legacy` as above, and a `jump` of its own"),
    timeout: durationOption().default("10s").describe("how long the way to a login may take"),
    interactive: z
      .boolean()
      .default(false)
      .describe("give the command the user's terminal, or what is piped in; without a command, start a shell"),
    operation: z
      .enum(["upload", "download"])
      .optional()
      .describe(
        "carry a file by SFTP instead of running a command: `upload` takes it from the client, `download` gives it one",
      ),
    source: z.string().min(1).optional().describe("where the file comes from, when that is always the same"),
    destination: z.string().min(1).optional().describe("where it goes, when that is always the same"),
    permission: permissionOption().default("0644").describe("permission bits of an uploaded file"),
    root: z.string().min(1).optional().describe("directory at the server that no path of this command leads out of"),
  })
  .check(({ value, issues }) => {
    reportProblems(value, issues);
    for (const [option, message] of transferProblems(value)) {
      issues.push({ code: "custom", message, path: [option], input: value });
    }
  });

export type SshOptions = z.output<typeof sshOptions>;

type TransferOptions = Pick<SshOptions, "operation" | "interactive" | "source" | "destination" | "root">;

type Issues = Parameters<z.core.CheckFn<unknown>>[0]["issues"];

function reportProblems(server: Endpoint, issues: Issues): void {
  for (const [option, message] of problemsOf(server)) {
    issues.push({ code: "custom", message, path: [option], input: server });
  }
}

function* problemsOf(server: Endpoint): Generator<readonly [option: keyof Endpoint, message: string]> {
  const { password, privatekey, passphrase, agent, hostkey, knownhosts, trust } = server;
  if (password === undefined && privatekey === undefined && (agent ?? false) === false) {
    yield ["password", "unable to authenticate, either password or private key must be configured, or an agent"];
  }
  if (passphrase !== undefined && privatekey === undefined) {
    yield ["passphrase", "there is no private key for it: set privatekey too"];
  }
  if (hostkey === undefined && knownhosts === undefined && trust === undefined) {
    yield [
      "hostkey",
      "nothing says how to know the server: set hostkey, or knownhosts, or trust: any if whoever answers may have the password and the session",
    ];
  }
  if (trust === "first-use" && knownhosts === undefined) {
    yield ["trust", "first-use needs a file to remember the server in: set knownhosts"];
  }
  if ((trust !== undefined && hostkey !== undefined) || (trust === "any" && knownhosts !== undefined)) {
    yield [
      "trust",
      `${trust} says the opposite of ${hostkey === undefined ? "knownhosts" : "hostkey"}: leave one of them out`,
    ];
  } else if (hostkey !== undefined && knownhosts !== undefined) {
    yield ["knownhosts", "hostkey says it already: leave one of them out"];
  }
}

function* transferProblems(options: TransferOptions): Generator<readonly [option: keyof TransferOptions, string]> {
  if (options.operation === undefined) {
    for (const option of ["source", "destination", "root"] as const) {
      if (options[option] !== undefined) {
        yield [option, "says where a file is: set operation to upload or download"];
      }
    }
  } else if (options.interactive) {
    yield ["interactive", "no command runs while a file is carried: leave interactive or operation out"];
  }
}
