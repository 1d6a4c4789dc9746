import { setMaxListeners } from "node:events";
import type { Client, InputAttributes, SFTPWrapper, Stats } from "ssh2";
import { DutError, type DutErrorCode, messageOf } from "#pkg/errors/dut-error.ts";

type Callback<T> = (error: Error | null | undefined, value: T) => void;

/** The status codes that say something (draft-ietf-secsh-filexfer-02, 7): a full disk is only a "failure". */
const meanings: Readonly<Record<number, { readonly code: DutErrorCode; readonly words: string }>> = {
  2: { code: "not_found", words: "no such file or directory" },
  3: { code: "permission_denied", words: "permission denied" },
  4: { code: "aborted", words: "the server cannot do it, and does not say why" },
  8: { code: "unimplemented", words: "the server does not know how" },
};

/** What ssh2 says of a request that was under way when the conversation ended. */
const noAnswer = "No response from server";

/** A conversation about files with a server. Each call throws a sentence that begins with what was being done. */
export class SftpSession {
  readonly #sftp: SFTPWrapper;
  readonly #lost = new AbortController();

  private constructor(sftp: SFTPWrapper) {
    this.#sftp = sftp;
    // 64 requests at once are usual.
    setMaxListeners(0, this.#lost.signal);
    // Nobody answers any more then, not even to what is asked afterwards.
    sftp.once("close", () => this.#lost.abort());
  }

  /** Ends with the connection. Throws failed_precondition when the server has no SFTP. */
  static async open(client: Client): Promise<SftpSession> {
    const { promise, resolve, reject } = Promise.withResolvers<SFTPWrapper>();
    client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp)));
    const sftp = await promise.catch((error: unknown) => {
      throw new DutError("failed_precondition", `the SSH server does not do SFTP: ${messageOf(error)}`, {
        hint: "install openssh-sftp-server on the board and name it in its sshd_config as the subsystem sftp",
        cause: error,
      });
    });
    // What ends the conversation shows in the calls that it leaves without an answer.
    sftp.on("error", () => {});
    return new SftpSession(sftp);
  }

  realPath(path: string): Promise<string> {
    return this.#do<string>(`find ${path}`, (done) => this.#sftp.realpath(path, done));
  }

  /** Undefined when there is nothing. A symbolic link is looked at itself. */
  async look(path: string): Promise<Stats | undefined> {
    return await this.#do<Stats>(`look at ${path}`, (done) => this.#sftp.lstat(path, done)).catch((error: unknown) => {
      if (error instanceof DutError && error.code === "not_found") {
        return undefined;
      }
      throw error;
    });
  }

  open(path: string, how: "r" | "wx", attributes: InputAttributes = {}): Promise<Buffer> {
    return this.#do<Buffer>(`open ${path}`, (done) => this.#sftp.open(path, how, attributes, done));
  }

  stat(path: string, handle: Buffer): Promise<Stats> {
    return this.#do<Stats>(`look at ${path}`, (done) => this.#sftp.fstat(handle, done));
  }

  setMode(path: string, handle: Buffer, mode: number): Promise<void> {
    return this.#do<void>(`set the permissions of ${path}`, (done) => this.#sftp.fchmod(handle, mode, done));
  }

  write(path: string, handle: Buffer, piece: Buffer, position: number): Promise<void> {
    return this.#do<void>(`write ${path}`, (done) => this.#sftp.write(handle, piece, 0, piece.length, position, done));
  }

  /** Fewer bytes than were asked for are no end of the file; none are. */
  async read(path: string, handle: Buffer, length: number, position: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    const bytes = await this.#do<number>(`read ${path}`, (done) => {
      this.#sftp.read(handle, buffer, 0, length, position, done);
    });
    return buffer.subarray(0, bytes);
  }

  /** Puts the content on the server's disk, where it knows how. */
  async sync(path: string, handle: Buffer): Promise<void> {
    await this.#ifKnown(() => this.#do<void>(`write ${path}`, (done) => this.#sftp.ext_openssh_fsync(handle, done)));
  }

  close(path: string, handle: Buffer): Promise<void> {
    return this.#do<void>(`close ${path}`, (done) => this.#sftp.close(handle, done));
  }

  remove(path: string): Promise<void> {
    return this.#do<void>(`remove ${path}`, (done) => this.#sftp.unlink(path, done));
  }

  /**
   * Puts a file in the place of another: atomically where the server knows how, else the other one is moved aside before,
   * and back when that fails.
   */
  async replace(from: string, to: string, isThere: boolean): Promise<void> {
    const what = `replace ${to}`;
    const atOnce = await this.#ifKnown(async () => {
      await this.#do<void>(what, (done) => this.#sftp.ext_openssh_rename(from, to, done));
      return true;
    });
    if (atOnce !== undefined) {
      return;
    }
    const move = (here: string, there: string) => this.#do<void>(what, (done) => this.#sftp.rename(here, there, done));
    if (!isThere) {
      await move(from, to);
      return;
    }
    const aside = `${from}.old`;
    await move(to, aside);
    try {
      await move(from, to);
    } catch (error) {
      await move(aside, to);
      throw error;
    }
    await this.remove(aside);
  }

  /** Bytes that may still be written where a path is; undefined when the server does not say. */
  async freeBytes(path: string): Promise<number | undefined> {
    const found = await this.#ifKnown(() =>
      this.#do<{ f_frsize: number; f_bavail: number }>(`look at ${path}`, (done) =>
        this.#sftp.ext_openssh_statvfs(path, done as Callback<unknown>),
      ),
    );
    return found && found.f_frsize * found.f_bavail;
  }

  async #do<T>(what: string, act: (done: Callback<T>) => void): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const { signal } = this.#lost;
    const gone = () => reject(new Error(noAnswer));
    signal.addEventListener("abort", gone);
    try {
      if (signal.aborted) {
        gone();
      } else {
        act((error, value) => (error ? reject(error) : resolve(value)));
      }
      return await promise;
    } catch (error) {
      throw translated(what, error);
    } finally {
      signal.removeEventListener("abort", gone);
    }
  }

  /** Undefined when the server does not know a request; ssh2 refuses to send it then. */
  async #ifKnown<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof DutError && error.code === "unimplemented") {
        return undefined;
      }
      throw error;
    }
  }
}

function translated(what: string, error: unknown): DutError {
  const message = messageOf(error);
  const status = error instanceof Error && "code" in error ? Number(error.code) : Number.NaN;
  if (message === "Server does not support this extended request") {
    return new DutError("unimplemented", `${what}: ${message}`, { cause: error });
  }
  if (message === noAnswer) {
    return new DutError("unavailable", `${what}: the connection was lost`, { cause: error });
  }
  const { code, words } = meanings[status] ?? { code: "aborted", words: message };
  return new DutError(code, `${what}: ${words}`, { cause: error });
}
