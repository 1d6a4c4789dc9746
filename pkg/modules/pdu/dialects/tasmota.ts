import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { askUnit, type HttpUnit, parseAnswer, unexpected } from "../http-unit.ts";
import type { Level, Outlet } from "../outlet.ts";

const answerOf = z.record(z.string(), z.unknown());

/**
 * Sockets with Tasmota ("Commands" in its documentation), Delock's 11826 and 11827 among them. Channels count from 1; the
 * first is named without its number, as one channel only is. Both places for the password are used: the query is the
 * documented one, Basic the one of the Go module.
 */
export function tasmota(unit: HttpUnit, channel: number): Outlet {
  const command = `Power${channel > 1 ? channel : ""}`;
  const ask = async (words: string, signal: AbortSignal) => {
    const { auth } = unit;
    const query = new URLSearchParams({
      ...(auth === undefined ? {} : { user: auth.user, password: auth.password }),
      cmnd: words,
    });
    return await askUnit(unit, `/cm?${query}`, signal);
  };
  return {
    async write(level, signal) {
      parseLevel(await ask(`${command} ${level.toUpperCase()}`, signal), channel);
    },
    read: async (signal) => parseLevel(await ask(command, signal), channel),
  };
}

/** A device with one channel answers `POWER`, others `POWER2`. Throws unauthenticated for the warning of one with a password. */
function parseLevel(text: string, channel: number): Level {
  const answer = parseAnswer(text, answerOf);
  const state = String(answer[`POWER${channel}`] ?? (channel === 1 ? answer.POWER : undefined)).toLowerCase();
  if (state === "on" || state === "off") {
    return state;
  }
  if (/password/i.test(String(answer.WARNING))) {
    throw new DutError("unauthenticated", "the device wants a user and a password", {
      hint: "check the options user and password: the user is admin unless the firmware was built for another",
    });
  }
  throw unexpected(text);
}
