/**
 * console.ts raw|cooked [everything]: the console of a run on the standard streams, as dutctl opens it. What is typed is
 * shown as hex on stderr, and these words among it are done:
 *
 * draw      say what a full-screen program says
 * loud      print a word in red and leave it at that
 * title     set the title of the terminal
 * steps     say lines that end in a bare line feed, as a device and as a module
 * bar       show a bar
 * size      say the size of the terminal
 * raw       read keys from now on
 * cooked    read lines from now on
 * mark      make the file that MARK names
 * stubborn  end by the second signal only
 * end       end orderly
 * exit      end by process.exit
 * error     end by an error that nobody catches
 */
import { writeFileSync } from "node:fs";
import { openOutput } from "../../cmds/dutctl/output/output.ts";
import { openStdio } from "../../cmds/dutctl/stdio.ts";
import { openUserConsole } from "../../cmds/dutctl/terminal/open-user-console.ts";
import type { World } from "../../cmds/dutctl/world.ts";

const stop = new AbortController();
let stubborn = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) {
      process.exit(130);
    }
    stop.abort();
    if (stubborn) {
      void world.stderr.write("stopping\n");
    }
  });
}
process.on("SIGQUIT", () => process.exit(131));

const world: World = {
  ...openStdio(process),
  env: process.env,
  directory: process.cwd(),
  hostname: () => "desk",
  userName: () => "alice",
  now: () => new Date(),
  runtime: "node",
  signal: stop.signal,
};
const plain = { colour: false, isTerminal: world.stdout.isTerminal };
const out = await openOutput("text", world, { verbose: false, stdout: plain, stderr: plain, now: world.now });
const [mode, everything] = process.argv.slice(2);

const words: Readonly<Record<string, (console: ReturnType<typeof openUserConsole>) => unknown>> = {
  draw: (console) =>
    console.show("stdout", Buffer.from("\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1000h\x1b[1;5r\x1b=\x1b(0\x1b[31mX")),
  loud: (console) => console.show("stdout", Buffer.from("\x1b[31mred")),
  title: (console) => console.show("stdout", Buffer.from("\x1b]0;title\x07")),
  error: () => setImmediate(() => Promise.reject(new Error("nobody catches this"))),
  steps: async (console) => {
    await console.show("stdout", Buffer.from("device\ndevice\r\n"));
    await console.show("print", Buffer.from("print\nprint\n"));
  },
  stubborn: () => {
    stubborn = true;
  },
  mark: () => writeFileSync(process.env.MARK ?? "", ""),
  exit: () => process.exit(3),
  end: () => stop.abort(),
  cooked: (console) => console.rawMode(false),
  raw: (console) => console.rawMode(true),
  bar: (console) => {
    const report = { key: "a", label: "in.txt", total: 4096, unit: "bytes", finished: false };
    console.progress({ ...report, done: 0 });
    console.progress({ ...report, done: 1024 });
  },
  size: (console) => world.stderr.write(`size ${JSON.stringify(console.terminal?.size)}\n`),
};

async function attend(): Promise<void> {
  await using console = openUserConsole(world, { raw: everything === "everything" }, out);
  using _ = console.onResize(({ rows, columns }) => void world.stderr.write(`resized ${rows} ${columns}\n`));
  console.rawMode(mode === "raw");
  await world.stderr.write(`ready ${process.pid}\n`);
  const ended = AbortSignal.any([stop.signal, console.left]);
  const typing = (async () => {
    let typed = "";
    for await (const bytes of console.input) {
      void world.stderr.write(`got ${Buffer.from(bytes).toString("hex")}\n`);
      typed += Buffer.from(bytes).toString("latin1");
      for (const word of Object.keys(words).filter((word) => typed.includes(word))) {
        typed = "";
        await words[word]?.(console);
        await world.stderr.write(`did ${word}\n`);
      }
    }
    await world.stderr.write("end of input\n");
  })();
  await Promise.race([typing, new Promise((resolve) => ended.addEventListener("abort", resolve))]);
  if (stubborn) {
    await new Promise(() => {});
  }
}

await attend();
process.exit(stop.signal.aborted ? 130 : 0);
