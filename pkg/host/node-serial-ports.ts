import { closeSync, constants, open as openCallback } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { isatty, ReadStream } from "node:tty";
import { promisify } from "node:util";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { NodeSerialPort } from "./node-serial-port.ts";
import {
  isLocked,
  lockedElsewhere,
  lockForRecording,
  lockTerminal,
  recordingEnds,
  refuseRecorded,
  unlockTerminal,
} from "./serial/advisory-lock.ts";
import type { SerialPort, SerialPortOptions, SerialPorts } from "./serial-ports.ts";
import { configureTerminal } from "./serial-terminal.ts";

const openDescriptor = promisify(openCallback);

/** Non-blocking, so that neither the open nor a read waits for a carrier or a byte; never our controlling terminal. */
const openFlags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;

/**
 * The serial ports of this computer, without native code. Exclusive within what this returns by the device's real
 * path, and towards other programs by an advisory lock: a program that asks for none (cat, screen) can still
 * open the device and take bytes away.
 */
export function nodeSerialPorts(): SerialPorts {
  const inUse = new Set<string>();
  return {
    async open(path, options) {
      const device = await realpath(path).catch((error: unknown) => {
        throw openFailure(path, error);
      });
      if (inUse.has(device)) {
        throw new DutError("failed_precondition", `serial port ${path} is in use by another run`, {
          hint: "wait until that run has ended or cancel it",
        });
      }
      inUse.add(device);
      const release = () => inUse.delete(device);
      return await openDevice(path, device, options, release).catch((error: unknown) => {
        release();
        throw error;
      });
    },

    async identify(path) {
      return await realpath(path).catch(() => path);
    },

    async isWanted(path) {
      return (await isLocked(path)) === true;
    },
  };
}

async function openDevice(
  path: string,
  device: string,
  { exclusive = true, takesOver = false, ...settings }: SerialPortOptions,
  release: () => void,
): Promise<SerialPort> {
  await using acquired = new AsyncDisposableStack();
  if (!(exclusive || takesOver)) {
    await refuseRecorded(path);
  }
  const control = acquired.use(await open(device, openFlags).catch(translate(path)));
  if (!isatty(control.fd)) {
    throw notATerminal(path);
  }
  const locked = exclusive ? undefined : await isLocked(device);
  if (locked === true) {
    throw lockedElsewhere(path);
  }
  const isExclusive = locked === undefined;
  if (isExclusive) {
    await lockTerminal(control.fd, path);
  } else {
    await beTheOneThatReads(control.fd, path, takesOver);
  }
  await configureTerminal(path, settings);
  const streamFd = await openDescriptor(device, openFlags).catch(translate(path));
  const stream = openStream(path, streamFd);
  const port = new NodeSerialPort({ path, stream, streamFd, control, isExclusive, release });
  acquired.move();
  return port;
}

/** Two that read a port would get a part of its output each. */
async function beTheOneThatReads(fd: number, path: string, takesOver: boolean): Promise<void> {
  if (!takesOver) {
    await lockForRecording(fd, path);
    return;
  }
  await lockTerminal(fd, path);
  try {
    await recordingEnds(path);
    await lockForRecording(fd, path);
  } finally {
    await unlockTerminal(fd, path);
  }
}

function openStream(path: string, fd: number): ReadStream {
  try {
    return new ReadStream(fd);
  } catch (error) {
    closeSync(fd);
    throw openFailure(path, error);
  }
}

function translate(path: string): (error: unknown) => never {
  return (error) => {
    throw openFailure(path, error);
  };
}

function openFailure(path: string, error: unknown): DutError {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
      return new DutError("not_found", `there is no serial device ${path}`, {
        hint: "check the cable and the path; /dev/serial/by-id has names that do not change",
        cause: error,
      });
    case "EACCES":
    case "EPERM":
      return new DutError("permission_denied", `no permission to open ${path}`, {
        hint: "add the agent's user to the group dialout and start the agent again",
        cause: error,
      });
    case "EBUSY":
      return new DutError("failed_precondition", `serial port ${path} is in use by another program`, {
        hint: `fuser -v ${path} shows which`,
        cause: error,
      });
    case "EISDIR":
      return notATerminal(path);
    default:
      return new DutError("unavailable", `cannot open ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function notATerminal(path: string): DutError {
  return new DutError("failed_precondition", `${path} is not a serial port`, {
    hint: "give the path of a terminal device, such as /dev/ttyUSB0 or /dev/ttyACM0",
  });
}
