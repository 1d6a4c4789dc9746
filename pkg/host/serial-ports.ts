/** How bytes stand on the wire. */
export interface LineSettings {
  /** Bits per second. */
  readonly baud: number;
  /** Default 8. */
  readonly dataBits?: 5 | 6 | 7 | 8;
  /** Default none. */
  readonly parity?: "none" | "even" | "odd";
  /** Default 1. */
  readonly stopBits?: 1 | 2;
  /** Default none. */
  readonly flow?: "none" | "rtscts" | "xonxoff";
}

export interface SerialPortOptions extends LineSettings {
  /**
   * Whether other programs are kept away for as long as the port is open, and not only while it is claimed. Where the
   * computer cannot tell that others want the port, they are kept away in any case. Default true.
   */
  readonly exclusive?: boolean;
  /** Whether another agent that has the port open without a claim has to leave it. Default false. */
  readonly takesOver?: boolean;
}

/** An open serial port, this process's alone. Disposing closes it; disposing twice is harmless. */
export interface SerialPort extends AsyncDisposable {
  /**
   * Bytes as they arrive, joined to pieces of at most 64 KiB when they arrive faster than they are taken. Ends when the
   * port is disposed; throws unavailable when the device goes away, after everything that arrived before.
   * One reader at a time. May be iterated again after a `break`: nothing that arrived in between is lost, up to 1 MiB
   * here and then the kernel's own buffer.
   */
  readonly received: AsyncIterable<Uint8Array>;
  /**
   * Resolves when the kernel has taken all bytes; throws unavailable when the device goes away. When the signal aborts,
   * it rejects at once and the bytes that are left still go out, unless the port is disposed.
   */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Throws away what arrived and was not read. */
  flush(): Promise<void>;
  /** Changes the settings of the open port. Throws as `open` does for them; the line is then as it happens to be. */
  configure(settings: LineSettings): Promise<void>;
  /** Keeps other programs away until it is disposed, or as long as the port is open. Throws failed_precondition when one has the port. */
  claim(): Promise<AsyncDisposable>;
  /** Sets an output line and reads it back. Throws failed_precondition when the port has none. */
  setLine(line: "dtr" | "rts", on: boolean): Promise<void>;
  /** Sends a break of so many milliseconds, at most 3,000; throws failed_precondition when the port cannot. */
  sendBreak(milliseconds: number): Promise<void>;
}

export interface SerialPorts {
  /**
   * Opens a port; symbolic links to one device count as one, and one is open at most once in this process.
   * Throws not_found when there is no such device, permission_denied when it may not be opened, failed_precondition
   * when it is in use or not a terminal, invalid_argument when it does not take the settings, unavailable when it does
   * not answer.
   */
  open(path: string, options: SerialPortOptions): Promise<SerialPort>;
  /** What the path leads to now; the path itself when that is nothing. */
  identify(path: string): Promise<string>;
  /** Whether some program has asked to be alone with the device: one that is open here without being claimed had better be closed then. */
  isWanted(path: string): Promise<boolean>;
}
