import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stateDirectory } from "./state-directory.ts";

test("the flag comes before systemd's directory, and that before one below the user's state directory", () => {
  const env = { XDG_STATE_HOME: "/xdg", STATE_DIRECTORY: "/var/lib/dutserver:/var/lib/other" };
  assert.deepEqual(
    [
      stateDirectory("mine", "dutserver", env),
      stateDirectory(undefined, "dutserver", env),
      stateDirectory(undefined, "dutserver", { XDG_STATE_HOME: "/xdg", STATE_DIRECTORY: "" }),
      stateDirectory(undefined, "dutserver", {}),
    ],
    ["mine", "/var/lib/dutserver", "/xdg/dutserver", join(homedir(), ".local/state/dutserver")],
  );
});
