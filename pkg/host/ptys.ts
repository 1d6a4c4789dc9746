/**
 * The computer's side of a pseudo terminal. The other side is a raw terminal device that programs open and close like
 * a serial port, as often as they like. Disposing takes the device away; so does the end of this process, however it ends.
 */
export interface Pty extends AsyncDisposable {
  /** The path of the other side, such as `/dev/pts/3`. */
  readonly device: string;
  /** What programs write to the device. May be iterated once; ends when the pty is disposed. */
  readonly received: AsyncIterable<Uint8Array>;
  /** Hands programs as many bytes as fit now, and returns how many those are; the kernel keeps about 20 KiB unread. */
  write(bytes: Uint8Array): number;
  /** Takes back the oldest bytes that no program has read, at most 4 KiB, and returns how many those are; the room shows a moment later. */
  takeBack(): number;
}

export interface Ptys {
  /** Throws failed_precondition when a program that this needs is missing, resource_exhausted when the system has no pty left. */
  open(): Promise<Pty>;
}
