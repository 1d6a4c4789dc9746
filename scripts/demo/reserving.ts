import type { Chapter } from "./tour.ts";

/** How a device is kept for oneself: who has it is seen by all, and others are refused. */
export function reserving(device: string, command: string): Chapter {
  const table = new RegExp(`^DEVICE +STATE +HOLDER .*^${device} +locked +ada@desk `, "ms");
  const refusal = `✗ device "${device}" is locked by "ada@desk" for 10m\n  -wait waits until it is free\nexit code 123\n`;
  return {
    title: "A device for oneself",
    steps: [
      {
        line: `dutctl -u ada@desk ${device} lock 10m`,
        prints: `✓ Device "${device}" locked by "ada@desk" for 10m\n`,
      },
      { line: "dutctl -l list", prints: table },
      { line: `dutctl -u bob@lab ${device} ${command} || echo exit code $?`, prints: refusal },
      { line: `dutctl -u ada@desk ${device} unlock`, prints: `✓ Device "${device}" unlocked\n` },
    ],
  };
}
