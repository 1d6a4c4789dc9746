import "#pinned-node";
import { runDaemon } from "#pkg/program/daemon.ts";
import { main } from "./main.ts";

runDaemon(main);
