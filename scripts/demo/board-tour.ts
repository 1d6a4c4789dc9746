import { join } from "node:path";
import { root } from "../pinned-node.mjs";
import { reserving } from "./reserving.ts";
import { shellWord } from "./shell-word.ts";
import type { Tour } from "./tour.ts";

const flashed = /6291456 bytes received.*sha256 [0-9a-f]{64}/s;

const makeImages = shellWord(join(root, "contrib/uml-board/make-images.sh"));

const logIn =
  "dutctl board console -t 60s -- send '' expect 'login: ' send root expect 'Password: ' send-secret letmein expect '# '";

/** The main job: a board that boots, from its first image to its second. */
export const boardTour: Tour = {
  configs: ["contrib/uml-board/uml-board.yaml", "contrib/config-2.yaml"],
  ideas: [
    ["dutctl board power on", "boot the board again"],
    ["dutctl board console", "type on its console; Ctrl-A x leaves"],
    ["dutctl watch", "see who takes what, until Ctrl-C"],
    ["dutctl board login", "log in"],
    ["dutctl board console send 'uname -a' expect '# '", "type a line, and wait for the prompt"],
    ["dutctl device2 repeat", "a command that asks for input"],
  ],
  chapters: [
    {
      title: "What is there, through the server",
      steps: [
        { line: "dutctl list", prints: "- board\n- device2\n" },
        { line: "dutctl board", prints: "- console\n- flash\n- login\n- power\n- version\n" },
        { line: "dutctl board power help", prints: /^on +switch the board on$.*^flash <image>/ms },
        { line: "dutctl device2 status hello", prints: /Called with 1 arguments\nArg 0: hello\n/ },
      ],
    },
    reserving("board", "power status"),
    {
      title: "Two images, the first one onto the board",
      steps: [
        { line: `${makeImages} .`, prints: "./board-1.0.img\n./board-2.0.img\n" },
        { line: "dutctl board flash board-1.0.img", prints: flashed },
      ],
    },
    {
      title: "Power on, wait for the prompt, log in",
      steps: [
        { line: "dutctl board power on", prints: /^on, pid \d+/ },
        { line: logIn, prints: /board login: .*Password: .*root@board:~# .*--- Script completed ---\n$/s },
        { line: "dutctl board version", prints: /^Board firmware 1\.0\r?$/m },
        { line: "printf 'uname -s\\r' | dutctl board console -i -t 2s", prints: /uname -s\s+Linux\s+root@board/ },
      ],
    },
    {
      title: "The second image, and a power cycle",
      steps: [
        { line: "dutctl board power off", prints: /^off$/m },
        { line: "dutctl board flash board-2.0.img", prints: flashed },
        { line: "dutctl board power on", prints: /^on, pid \d+/ },
        { line: "dutctl board login", prints: /board login: .*root@board:~# .*--- Script completed ---\n$/s },
        { line: "dutctl board version", prints: /^Board firmware 2\.0\r?$/m },
        { line: "dutctl board power off", prints: /^off$/m },
        { line: "dutctl board power status", prints: /^off, since / },
      ],
    },
  ],
};
