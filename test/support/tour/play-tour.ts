import assert from "node:assert/strict";
import { mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "../child.ts";
import { programFolder } from "../programs.ts";
import type { Shown, Step } from "./parse-tour.ts";
import { Printed } from "./printed.ts";

const root = join(import.meta.dirname, "../../..");
const script = join(root, "contrib/namespaces/lab.sh");

/** A command in a terminal, with how much of its output has been compared. */
interface Terminal {
  readonly name: string;
  readonly child: Child;
  seen: number;
}

/** The longest step is finding out that a cable was pulled; a program that says nothing for longer is killed, to be shown. */
const stepMs = 60_000;

let stages = 0;

/** Plays tours on machines of their own. The first step of a tour has to make them. Disposing removes them. */
export class Stage implements AsyncDisposable {
  readonly #opened: AsyncDisposableStack;
  readonly #env: NodeJS.ProcessEnv;
  readonly #machines: string;
  readonly #printed = new Printed();
  readonly #goingOn: Terminal[] = [];

  private constructor(opened: AsyncDisposableStack, env: NodeJS.ProcessEnv, machines: string) {
    this.#opened = opened;
    this.#env = env;
    this.#machines = machines;
  }

  static async open(): Promise<Stage> {
    await using opened = new AsyncDisposableStack();
    const folder = opened.use(await mkdtempDisposable(join(tmpdir(), "tour-"))).path;
    stages += 1;
    const programs = await programFolder(join(folder, "programs"));
    // Network namespaces that are called so are removed by later tests when this process is killed.
    const machines = join(folder, `dutctl-${process.pid}-${stages}-tour`);
    const env = { ...process.env, PATH: `${programs}:${process.env.PATH}`, LAB: machines, TZ: atNoon(new Date()) };
    return new Stage(opened.move(), env, machines);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Ends what runs in the terminals too.
    await this.play({ kind: "done", line: `${script} down` });
    await this.#opened.disposeAsync();
  }

  async play(step: Step): Promise<void> {
    switch (step.kind) {
      case "done": {
        const child = new Child(["sh", "-c", step.line], { cwd: root, env: this.#env });
        child.process.stdin.end();
        const { code, stderr } = await child.ended;
        assert.equal(code, 0, `${step.line}: ${stderr}`);
        break;
      }
      case "written":
        await writeFile(join(this.#machines, step.machine, step.path), step.text);
        break;
      case "typed": {
        const machines = await this.#machinesOf(step.machine);
        const terminals = machines.map((machine) => this.#type(machine, step.line));
        await Promise.all(terminals.map((terminal) => this.#look(terminal, step)));
        break;
      }
      case "looked": {
        const terminal = this.#goingOn.pop();
        assert.ok(terminal, "nothing goes on that could be looked at");
        await this.#look(terminal, step);
      }
    }
  }

  async #machinesOf(name: string): Promise<readonly string[]> {
    const prefix = name.replace(/\*$/, "");
    return prefix === name ? [name] : (await readdir(this.#machines)).filter((machine) => machine.startsWith(prefix));
  }

  #type(machine: string, line: string): Terminal {
    // A session of its own, as a terminal has one.
    const words = ["setsid", script, "on", machine, "sh", "-c", `exec 2>&1\n${line}`];
    const child = this.#opened.use(new Child(words, { cwd: root, env: this.#env }));
    return { name: `${machine}$ ${line}`, child, seen: 0 };
  }

  async #look(terminal: Terminal, { output, ending }: Shown): Promise<void> {
    const { child, name } = terminal;
    const patience = setTimeout(() => kill(terminal, "SIGKILL"), stepMs);
    using _ = { [Symbol.dispose]: () => clearTimeout(patience) };
    if (ending === "ends") {
      const { code, stdout } = await child.ended;
      const rest = stdout.slice(terminal.seen);
      if (this.#printed.match(output, rest, true) === undefined) {
        assert.equal(rest, output.map((line) => `${line}\n`).join(""), name);
      }
      const hasFailed = output.some((line) => line.startsWith("✗ "));
      assert.equal(code !== 0, hasFailed, `${name}: status ${code}`);
      return;
    }
    const look = () => this.#printed.match(output, child.stdout.slice(terminal.seen), false);
    terminal.seen += await child.shown(look, `${name} did not show ${output.join("\n")}`);
    if (ending === "goes on") {
      this.#goingOn.push(terminal);
    } else {
      kill(terminal, "SIGINT");
      await child.ended;
    }
  }
}

/** All that was started by the line, as Ctrl-C is for all of it. */
function kill({ child }: Terminal, signal: NodeJS.Signals): void {
  process.kill(-(child.process.pid as number), signal);
}

/** A time zone, as TZ has it, in which it is between noon and one: what a tour reserves ends on the same day there. */
function atNoon(now: Date): string {
  const westOfGreenwich = now.getUTCHours() - 12;
  return `NOON${westOfGreenwich < 0 ? "" : "+"}${westOfGreenwich}`;
}
