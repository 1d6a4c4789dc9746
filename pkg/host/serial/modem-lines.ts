import { DutError } from "#pkg/errors/dut-error.ts";
import { runSmallTool } from "./small-tool.ts";

/**
 * Calls that stty cannot make, by their numbers on amd64 and arm64 (asm-generic/ioctls.h). Perl's interpreter is in
 * perl-base, which every Debian has; it packs the integers as the C compiler does. A line is read back after it was set,
 * as far as the driver can tell it. The lines are asked for first: a pty has none, and takes a break for granted.
 */
const script = `
my ($what, $value) = @ARGV;
open(my $port, "+<&=", 3) or fail("$!");
sub fail { print STDERR "$_[0]\\n"; exit 2 }
sub call {
  my ($request, $argument) = @_;
  ioctl($port, $request, $argument) or fail($!{ENOTTY} || $!{EINVAL} ? "no lines" : "$!");
  return $argument;
}
sub lines { return unpack("i", call(0x5415, pack("i", 0))) }
lines();
if ($what eq "break") {
  call(0x5427, 0);
  select(undef, undef, undef, $value);
  call(0x5428, 0);
} else {
  my $bit = $what eq "dtr" ? 2 : 4;
  call($value eq "on" ? 0x5416 : 0x5417, pack("i", $bit));
  fail("the line did not follow") if ((lines() & $bit) != 0) != ($value eq "on");
}
`;

/** Longer than any device needs that takes a break for a signal (a SysRq, a router's boot monitor). */
export const longestBreakMs = 3_000;

/** A line that the computer drives. */
export type ModemLine = "dtr" | "rts";

/** Sets a line of an open terminal and reads it back. Throws failed_precondition when the port has none, unavailable when it does not follow. */
export async function setModemLine(fd: number, path: string, line: ModemLine, on: boolean): Promise<void> {
  await call(fd, path, [line, on ? "on" : "off"], `set ${line.toUpperCase()} of`);
}

/** Holds the output of an open terminal at break for so many milliseconds, at most `longestBreakMs`. It is not cut short: a line that stays at break is dead. */
export async function sendBreak(fd: number, path: string, milliseconds: number): Promise<void> {
  await call(fd, path, ["break", String(Math.min(milliseconds, longestBreakMs) / 1000)], "send a break on");
}

async function call(fd: number, path: string, args: readonly string[], what: string): Promise<void> {
  const { code, complaint } = await runSmallTool("perl", ["-MErrno", "-e", script, ...args], [fd]);
  if (code === 0) {
    return;
  }
  if (complaint === "no lines") {
    throw new DutError("failed_precondition", `cannot ${what} ${path}: it has no break and no modem lines`, {
      hint: "it is a virtual terminal, or the adapter's driver cannot do this",
    });
  }
  throw new DutError("unavailable", `cannot ${what} ${path}: ${complaint || "perl did not end in 5 s"}`, {
    hint: "check the cable and the power of the adapter",
  });
}
