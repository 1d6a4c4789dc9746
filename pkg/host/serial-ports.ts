export interface SerialPortOptions {
  /** Bits per second; always 8 data bits, no parity, 1 stop bit, no flow control. */
  readonly baud: number;
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
}

export interface SerialPorts {
  /**
   * Opens a port exclusively; symbolic links to one device count as one.
   * Throws not_found when there is no such device, permission_denied when it may not be opened, failed_precondition
   * when it is in use or not a terminal, invalid_argument when it does not take the speed, unavailable when it does
   * not answer.
   */
  open(path: string, options: SerialPortOptions): Promise<SerialPort>;
}
