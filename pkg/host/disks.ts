/** A block device as it is at one moment: a disk, a card, or a partition of one. */
export interface BlockDevice {
  /** The node that the path leads to, such as `/dev/sdb`. */
  readonly path: string;
  /** 0 when there is no medium in it. */
  readonly bytes: number;
  readonly readOnly: boolean;
  /** What the maker calls it; undefined when it does not say. */
  readonly model: string | undefined;
  /**
   * What this computer does with the device, or with any partition of the same disk, a clause each: `/dev/sdb1 is
   * mounted on /boot`, `/dev/sdb2 is swap space`, `/dev/sdb is a part of dm-0`.
   */
  readonly uses: readonly string[];
}

/**
 * Something with bytes at places, open for one writer, past the page cache: what was written is on the device and what
 * is read comes from it, unless a file system cannot do that. Disposing closes it, and leaves what was not flushed.
 */
export interface Disk extends AsyncDisposable {
  readonly path: string;
  /** What finds room; undefined for a file, which grows. */
  readonly bytes: number | undefined;
  /**
   * Writes at a place, or keeps what does not fill a block of 1 MiB until more follows. Throws resource_exhausted behind
   * the end, unavailable or not_found for a device that breaks or goes away.
   */
  write(at: number, bytes: Uint8Array): Promise<void>;
  /** Resolves when everything is on the medium, out of the device's own cache as well. */
  flush(): Promise<void>;
  /**
   * So many bytes from a place, in pieces that are good until the next is asked for. Throws data_loss when the device
   * ends before. Nothing may be waiting to be flushed.
   */
  read(at: number, length: number): AsyncIterable<Uint8Array>;
}

/** A disk that is a file, in the making. Disposing it without `commit` removes it and leaves the old file as it was. */
export interface DiskFile extends Disk {
  /** Gives it its size and puts it in the place of the old file, atomically. */
  commit(bytes: number): Promise<void>;
}

/** The disks of a computer, beside those that it runs from. */
export interface Disks {
  /** Undefined when nothing is at the path. Throws failed_precondition when it is no block device. */
  look(path: string): Promise<BlockDevice | undefined>;

  /**
   * Opens a block device for this process alone. Throws failed_precondition when it, or a part of it, is mounted or in use
   * in any other way that the kernel knows of.
   */
  open(path: string, mode: "read" | "write"): Promise<Disk & { readonly device: BlockDevice }>;

  /** Begins the next content of a disk that is a file, in a file beside it named `<path>.new`; one that is there is overwritten. */
  replace(path: string): Promise<DiskFile>;
}
