import { moduleKinds } from "#pkg/modules/modules.ts";
import { allFlags, type DaemonCommand } from "#pkg/program/daemon-command.ts";
import { modulesText } from "../../cmds/dutagent/commands/modules.ts";
import { command as agent } from "../../cmds/dutagent/main.ts";
import { topicSummaries, topicText } from "../../cmds/dutctl/help/topics.ts";
import { forms } from "../../cmds/dutctl/help/usage.ts";
import { flags } from "../../cmds/dutctl/options.ts";
import { command as server } from "../../cmds/dutserver/main.ts";
import { type ManPage, type ManSection, termsOf } from "./man-page.ts";

/** The manual of each package, made of what the programs themselves show as help. */
export const manPages: Readonly<Record<"dutctl" | "dutagent" | "dutserver", readonly ManPage[]>> = {
  dutctl: [
    {
      name: "dutctl",
      section: 1,
      summary: "control devices under test through a dutagent or a dutserver",
      synopsis: forms.map(([form]) => form),
      sections: [
        { title: "commands", parts: [{ kind: "terms", terms: forms.map(([form, purpose]) => [form, `${purpose}.`]) }] },
        { title: "options", parts: [termsOf(flags)] },
        // What stands above in another form.
        ...Object.entries(topicSummaries()).flatMap(([topic]) =>
          ["overview", "options"].includes(topic) ? [] : [topicSection(topic)],
        ),
      ],
    },
  ],
  dutagent: [
    daemonPage(agent, "drive devices under test on a bench computer"),
    {
      name: "dutagent-modules",
      section: 7,
      summary: "the modules of dutagent and their options",
      synopsis: [],
      sections: moduleKinds.map(({ name }) => ({
        title: name,
        parts: [{ kind: "lines", text: modulesText([name]) }],
      })),
    },
  ],
  dutserver: [daemonPage(server, "one address for all devices of a laboratory")],
};

function topicSection(topic: string): ManSection {
  return { title: topic.replaceAll("-", " "), parts: [{ kind: "lines", text: topicText(topic) ?? "" }] };
}

function daemonPage(command: Pick<DaemonCommand<unknown>, "name" | "flags" | "tasks">, summary: string): ManPage {
  const { name, tasks = {} } = command;
  const lines = Object.values(tasks).map((task) => [`${name} ${task.usage}`, `${task.summary}.`] as const);
  return {
    name,
    section: 8,
    summary,
    synopsis: [`${name} [options]`, ...lines.map(([line]) => line)],
    sections: [
      { title: "options", parts: [termsOf(allFlags(command))] },
      { title: "other tasks", parts: [{ kind: "terms", terms: lines }] },
      {
        title: "files",
        parts: [
          {
            kind: "terms",
            terms: [
              [`/etc/default/${name}`, "The options of the service."],
              ...(name === "dutagent" ? [["/etc/dutagent/config.yaml", "The devices of the bench."] as const] : []),
              [`/var/lib/${name}`, "What outlives the program."],
            ],
          },
        ],
      },
      {
        title: "signals",
        parts: [
          {
            kind: "terms",
            terms: [
              ["SIGHUP", "Read the configuration and the certificates again; what has not changed goes on."],
              ["SIGTERM", "Stop in good order; a second one stops at once."],
            ],
          },
        ],
      },
    ],
  };
}
