import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { type Daemon, Lab } from "../support/lab.ts";

const shells = {
  bash: { words: ["bash", "--norc", "--noprofile", "-i"], ready: "PS1='re''ady> '" },
  zsh: { words: ["zsh", "-f", "-i"], ready: "autoload -U compinit && compinit -D; PS1='re''ady> '" },
  fish: { words: ["fish", "--no-config", "-i"], ready: "function fish_prompt; echo -n 're''ady> '; end" },
} as const;

type Shell = keyof typeof shells;

/** Keys, and the words that the program is started with once the shell has completed them. */
const lines: readonly (readonly [keys: string, words: string])[] = [
  ["dutctl bo\tfl\tfirm\t", "<board><flash><firmware.bin>"],
  ["dutctl -f=on\tdesc\tspa\t", "<-f=oneline><describe><spare>"],
  ["dutctl -s ADDRESS spare unl\tfor\tke\t", "<-s><ADDRESS><spare><unlock><force><keep>"],
  ["dutctl -- odd\tru\t", "<--><odd board><run>"],
  ["dutctl config set ser\tx", "<config><set><server=x>"],
];

// biome-ignore lint/suspicious/noTemplateCurlyInString: an argument of the configuration
const imageArgument = "${image}";
const shell = { uses: [{ module: "shell", args: ["true"] }] };

async function benchOf(lab: Lab): Promise<Daemon> {
  return lab.agent({
    board: {
      cmds: {
        flash: {
          args: [{ name: "image", desc: "what to write" }],
          uses: [{ ...shell.uses[0], args: [imageArgument] }],
        },
      },
    },
    spare: { cmds: { run: shell } },
    "odd board": { cmds: { run: shell } },
  });
}

/** Completes by the real program, and otherwise prints the words it is started with. */
async function installProgram(lab: Lab, address: string): Promise<void> {
  const real = lab.wordsOf("dutctl").map((word) => `'${word}'`);
  const path = lab.path("dutctl");
  await writeFile(
    path,
    `#!/bin/sh
case $1 in
  __complete|completion) DUTCTL_SERVER=${address} DUTCTL_COMPLETION_TIMEOUT=20s exec ${real.join(" ")} "$@" ;;
esac
printf 'started with '
printf '<%s>' "$@"
echo
`,
  );
  await chmod(path, 0o755);
  await writeFile(lab.path("firmware.bin"), "");
}

async function typed(t: TestContext, name: Shell): Promise<string[]> {
  await using lab = await Lab.open(t.signal);
  const { address } = await benchOf(lab);
  await installProgram(lab, address);
  const { words, ready } = shells[name];
  const session = `env PATH="${lab.directory}:$PATH" HOME="${lab.directory}" TERM=xterm ${words.join(" ")}`;
  const child = lab.startWords(["script", "-qefc", session, "/dev/null"]);
  const load = name === "fish" ? "dutctl completion fish | source" : `source <(dutctl completion ${name})`;
  child.process.stdin.write(`${ready}; ${load}\r`);
  await child.said("stdout", /ready> /);
  const started: string[] = [];
  for (const [keys] of lines) {
    child.stdout = "";
    child.process.stdin.write(`${keys.replace("ADDRESS", address)}\r`);
    const [, line = ""] = await child.said("stdout", /started with (\S[^\r\n]*)[\s\S]*ready> /);
    started.push(line.replace(address, "ADDRESS"));
  }
  child.process.stdin.write("exit\r");
  await child.ended;
  return started;
}

for (const name of Object.keys(shells) as Shell[]) {
  test(`${name} completes devices, commands, words, options and files from the live agent`, {
    skip: isInstalled(name) ? false : `needs ${name}: apt-get install ${name}`,
    timeout: 120_000,
  }, async (t) => {
    assert.deepEqual(
      await typed(t, name),
      lines.map(([, words]) => words),
    );
  });
}

function isInstalled(name: Shell): boolean {
  try {
    execFileSync(name, ["-c", "true"], { stdio: "ignore" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return false;
    }
    throw error;
  }
}
