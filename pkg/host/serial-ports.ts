export interface SerialPortOptions {
  /** Bits per second; always 8 data bits, no parity, 1 stop bit, no flow control. */
  readonly baud: number;
}

/** An open serial port, this process's alone. Disposing closes it. */
export interface SerialPort extends AsyncDisposable {
  /**
   * Bytes as they arrive. Ends when the port is disposed; throws unavailable when the device goes away.
   * May be iterated again after a `break`: nothing that arrived in between is lost, up to the kernel's own buffer.
   */
  readonly received: AsyncIterable<Uint8Array>;
  /** Resolves when the kernel has taken all bytes. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Throws away what arrived and was not read. */
  flush(): Promise<void>;
}

export interface SerialPorts {
  /**
   * Opens a port exclusively.
   * Throws not_found when there is no such device, permission_denied when it may not be opened, failed_precondition
   * when it is open already or not a terminal.
   */
  open(path: string, options: SerialPortOptions): Promise<SerialPort>;
}
