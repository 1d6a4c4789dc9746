/** One end of a connection between two programs of this computer. Disposing closes it; disposing twice is harmless. */
export interface LocalConnection extends AsyncDisposable {
  /** Bytes as they arrive, taken no faster than they are iterated. May be iterated once; ends when either side closes. */
  readonly received: AsyncIterable<Uint8Array>;
  /** Resolves when the kernel has taken all bytes. Throws unavailable when the other side is gone, the signal's reason when that aborts first. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}

/** A socket in the file system that programs connect to. Disposing closes and removes it, and closes connections that nobody accepted. */
export interface LocalListener extends AsyncDisposable {
  /** The next program that connects, or has connected already. Rejects with the signal's reason. */
  accept(signal: AbortSignal): Promise<LocalConnection>;
}

export interface Sockets {
  /**
   * Makes a unix socket at a path of at most 107 bytes (unix(7)). Throws already_exists when something is there,
   * invalid_argument when the path is too long, and what the file system refuses.
   */
  listen(path: string): Promise<LocalListener>;
}
