import { type Credentials, issue, newAuthority, type Wanted } from "#pkg/auth/authority/issue.ts";
import type { Role } from "#pkg/auth/peer.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";

/** An authority of a test, and what it signs. */
export interface TestAuthority {
  readonly own: Credentials;
  /** What a client shows that trusts this authority. */
  clientTls(own?: Credentials): ClientTls;
  /** Valid for a year from `from` on, in days from now; of a server for localhost unless hosts are given. */
  issue(role: Role, name: string, given?: Partial<Wanted> & { readonly from?: number }): Promise<Credentials>;
  /** The same for a server, with the authority behind it as a server shows it. */
  server(given?: Partial<Wanted> & { readonly from?: number }): Promise<Credentials>;
}

const dayMs = 24 * 3_600_000;

export async function testAuthority(name = "test authority"): Promise<TestAuthority> {
  const own = await newAuthority(name, 3650, Date.now() - 400 * dayMs);
  const issued: TestAuthority["issue"] = (role, holder, { from = 0, ...given } = {}) =>
    issue(
      own,
      { role, name: holder, hosts: role === "server" ? ["localhost"] : [], days: 365, key: undefined, ...given },
      Date.now() + from * dayMs,
    );
  return {
    own,
    clientTls: (credentials) => ({ ca: own.cert, own: credentials }),
    issue: issued,
    async server(given) {
      const { cert, key } = await issued("server", "here", given);
      return { cert: cert + own.cert, key };
    },
  };
}
