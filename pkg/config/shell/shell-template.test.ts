// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of configurations look like those of JavaScript
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { expandShellTemplate, parseShellTemplate } from "./shell-template.ts";

/** What people and attackers type; each would make the file `marker` in a shell that takes it for a program. */
const corpus = [
  "",
  "plain",
  "two words",
  "; touch marker",
  "$(touch marker)",
  "`touch marker`",
  "$((touch marker))",
  "\n touch marker\n",
  "' ; touch marker ; '",
  "'$(touch marker)'",
  '" ; touch marker ; "',
  `'"; touch marker; "'`,
  `"'; touch marker; '"`,
  "\\",
  "\\'; touch marker; \\'",
  "\\$(touch marker)",
  "a\\\nb",
  "| touch marker",
  "& touch marker &",
  ">marker",
  ") touch marker (",
  "}; touch marker; {",
  "# comment",
  "--option",
  "-n",
  "*",
  "~",
  "${HOME}",
  "$'\\x41'",
  "!!",
  "a\tb\r\n",
  "grün 🙂 \u202e",
  "x".repeat(20_000),
] as const;

/** `show` writes its arguments, a NUL behind each. */
const contexts = [
  "show ${x}",
  "show a${x}b",
  "show 'a ${x} b'",
  'show "a ${x} b"',
  `show "it's '\${x}'"`,
  `show 'say "\${x}"'`,
  'show "${x}${x}" ${x}',
  "show a\\\"${x} # it's",
  "# don't\nshow ${x}",
  'show "$(echo "${x}" | cat)"',
  "show \"$(printf %s 'a' ${x})\" ${x}",
  'show "$(echo $(echo ")" ${x}) \')\')" "${x}"',
  "show $((1 + 2)) $${HOME} `echo hi` $# $? $!$${x} ${x}",
  "if [ ${x} = y ]; then show ${x}; else show n ${x}; fi",
  'case ${x} in plain) show 1 ${x};; *) show 2 "${x}";; esac',
  "show ${x} \\\n  # it's\n",
  "sh -c 'for a; do printf %s\\\\0 \"$a\"; done' -- ${x}",
  'v=${x}; show "$v"',
  "cat <${x} 2>&1 >/dev/null || show ${x}",
] as const;

const shells = ["sh", "bash"].filter((shell) => spawnSync(shell, ["-c", ":"]).status === 0);

const insert = (text: string, value: string) => expandShellTemplate(parseShellTemplate(text), () => value);

for (const shell of shells) {
  test(`no value gets out of its word in ${shell}, whatever quotes it stands in`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "quoting-"));
    await writeFile(join(folder.path, "show"), 'for a; do printf "%s\\0" "$a"; done\n');
    for (const template of contexts) {
      const said = corpus.map((value) => ran(shell, insert(template, value), folder.path));
      // The same program with the value in a variable, which no shell looks at again.
      const expected = corpus.map((value) => ran(shell, inVariable(template), folder.path, value));
      assert.deepEqual(said, expected, template);
      assert.deepEqual(await readdir(folder.path), ["show"], template);
    }
  });
}

/** Every reference as a variable in double quotes, which is the same for a shell. */
function inVariable(template: string): string {
  const { pieces } = parseShellTemplate(template);
  const variable = { none: '"$value"', single: `'"$value"'`, double: '""$value""' } as const;
  return pieces.map((piece) => (typeof piece === "string" ? piece : variable[piece.within])).join("");
}

function ran(shell: string, program: string, cwd: string, value = ""): string {
  try {
    return execFileSync(shell, ["-c", `show() { . ./show; }\n${program}`], {
      cwd,
      env: { PATH: process.env.PATH, HOME: "/nowhere", value },
      stdio: ["ignore", "pipe", "ignore"],
      maxBuffer: 1 << 26,
    }).toString();
  } catch (error) {
    return `exit ${(error as { status: number }).status}`;
  }
}

for (const [text, where] of [
  ["echo \\${x}", "behind a backslash"],
  ['echo "\\${x}"', "behind a backslash"],
  ["echo a # ${x}", "in a comment"],
  ["cat <<END\n${x}\nEND", "behind <<"],
  ["cat <<END\n'\nEND\necho ${x}", "behind <<"],
  ["echo `echo ${x}`", "inside or behind backquotes"],
  ["echo `echo \\`` ${x}", "inside or behind backquotes"],
  ["echo $((${x} + 1))", "behind $(("],
  ["((${x}))", "behind (("],
  ["echo $[${x}]", "behind $["],
  ["echo ${y:-${x}}", "behind ${"],
  ["echo $'\\'' ${x}", "behind $'"],
  ["[[ ${x} -eq 1 ]]", "behind [["],
  ["a[${x}]=1", "behind [ in a word"],
  ["eval echo ${x}", "behind eval"],
  ['e"v"al "$(echo ${x})"', "behind eval"],
  ["true; ssh board reboot ${x}", "behind ssh"],
  ["sh -c 'echo ${x}'", "in the text for another shell"],
  ["sudo /bin/bash -ec 'echo ${x}' -- a", "in the text for another shell"],
  ['su --command="echo ${x}" root', "in the text for another shell"],
  ["echo $(case a in a) echo 'x';; esac) ${x}", "behind case in $( )"],
  ["echo $(echo # '\n) ${x}", "behind a comment in $( )"],
  ["echo <\\\n< ${x}", "behind a word that goes on in the next line"],
] as const) {
  test(`a reference is refused ${where}, as in ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseShellTemplate(text).refusals, [{ name: "x", where }]);
  });
}

test("what is refused in one command is allowed in the next", () => {
  assert.deepEqual(parseShellTemplate("trap 'rm -f x' EXIT; flash ${x} && eval a; echo ${x}").refusals, []);
});

test("a long text is read in a moment, also when nothing in it ends", () => {
  for (const part of ["${x$aaaaaaaa", "$((", "`", "'", "${x} ", "$(", "\\", "a[", "<<"]) {
    const { pieces } = parseShellTemplate(`echo ${part.repeat(20_000)}`);
    assert.ok(pieces.length >= 1);
  }
});

test("no mixture of what shells know lets a value out, where the reference was not refused", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "mixtures-"));
  const tokens = [
    ..."' \" \\ $( ) ` # ; a < ( } $ | && [ ] $${y} ${ * = $' :- ! ;; - $(( )) fi done esac".split(" "),
    ...[" ", " ", "\n", "\\\n", "case a in a) ", "{ ", "echo ", "if ", "then ", "eval ", "sh -c ", "for i in ", "do "],
    ...Array.from({ length: 6 }, () => "${x}"),
  ];
  const random = numbersFrom(1);
  for (let accepted = 0; accepted < 300; ) {
    const text = Array.from({ length: 2 + random(12) }, () => tokens[random(tokens.length)]).join("");
    const template = parseShellTemplate(text);
    if (template.refusals.length === 0 && template.pieces.length > 1) {
      accepted += 1;
      const program = expandShellTemplate(template, () => corpus[random(corpus.length - 1)] as string);
      ran("sh", program, folder.path);
      assert.deepEqual(await readdir(folder.path), [], text);
    }
  }
});

/** Numbers below a bound that look like chance and are always the same. */
function numbersFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (state >> 8) % bound;
  };
}
