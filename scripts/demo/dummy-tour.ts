import { reserving } from "./reserving.ts";
import type { Tour } from "./tour.ts";

/** What can be shown without Linux as a process: two devices of modules that need no hardware. */
export const dummyTour: Tour = {
  configs: ["contrib/config-1.yaml", "contrib/config-2.yaml"],
  ideas: [
    ["dutctl device2 repeat", "a command that asks for input"],
    ["dutctl device1 greet Ada 500ms", "a command with arguments of its own"],
  ],
  chapters: [
    {
      title: "What is there, through the server",
      steps: [
        { line: "dutctl list", prints: "- device1\n- device2\n" },
        { line: "dutctl device1", prints: "- file-transfer\n- greet\n- repeat\n- status\n- wait\n" },
        { line: "dutctl device1 greet help", prints: /name.*pause/s },
      ],
    },
    reserving("device1", "status"),
    {
      title: "Commands of both agents",
      steps: [
        { line: "dutctl device1 status a b", prints: /Called with 2 arguments\nArg 0: a\nArg 1: b\n/ },
        { line: "printf 'one\\ntwo words\\n' | dutctl device2 repeat", prints: /\none\n.*one word per line/s },
        { line: "dutctl device1 greet Ada 500ms", prints: /Hello Ada\n.*Hello again, Ada\n/s },
        { line: "dutctl device2 agent", prints: /home is / },
      ],
    },
    {
      title: "Files",
      steps: [
        {
          line: "echo 'a file of mine' > in.txt && dutctl device1 file-transfer in.txt out.txt && cat out.txt",
          prints: /^a file of mine\n.*^processed by /ms,
        },
      ],
    },
  ],
};
