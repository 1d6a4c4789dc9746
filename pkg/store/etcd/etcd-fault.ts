import { DutError } from "#pkg/errors/dut-error.ts";
import { brokeInTheMiddle, saidByPeer } from "#pkg/protocol/grpc/status.ts";

/** The beginning of what etcd says (api/v3rpc/rpctypes/error.go), where its code alone does not tell enough. */
const said = {
  noSpace: "etcdserver: mvcc: database space exceeded",
  noLeader: "etcdserver: no leader",
  noLease: "etcdserver: requested lease not found",
  compacted: "etcdserver: mvcc: required revision has been compacted",
  tokenIsOver: [
    "etcdserver: invalid auth token",
    "etcdserver: user name is empty",
    "etcdserver: revision of auth store is old",
  ],
  wrongPassword: "etcdserver: authentication failed",
  refused: "etcdserver: permission denied",
  noUsers: "etcdserver: authentication is not enabled",
} as const;

function says(error: unknown, ...texts: readonly string[]): boolean {
  return error instanceof DutError && saidByPeer(error) && texts.some((text) => error.message.startsWith(text));
}

/** Whether a member could not be reached, is not who it should be, or cannot serve now, so that another one may be tried. */
export function isOut(error: unknown): boolean {
  return (error instanceof DutError && ["unavailable", "deadline_exceeded"].includes(error.code)) || isStranger(error);
}

/** Whether a connection was given up because the other end speaks no TLS or has a certificate of somebody else. */
function isStranger(error: unknown): boolean {
  return error instanceof DutError && error.code === "unauthenticated" && !saidByPeer(error);
}

/**
 * Whether no other try can help: etcd refuses who asks for something, or what it keeps is broken. Whatever else a call
 * fails with may be over with another connection, another member or another leader.
 */
export function isFinal(error: unknown): boolean {
  const fault = etcdFault(error);
  return (
    !(fault instanceof DutError) ||
    (["permission_denied", "unauthenticated", "data_loss"].includes(fault.code) &&
      !isStranger(error) &&
      !isTokenOver(error))
  );
}

/** What it means that a member has ended a watch for the reason that it gives, which may be none. */
export function watchEnded(reason: string): DutError {
  return new DutError(
    reason.includes(said.refused) ? "permission_denied" : "unavailable",
    `etcd ended the watch: ${reason === "" ? "it gives no reason" : reason}`,
  );
}

/** Whether a request that a member did not serve has surely had no effect. */
export function wasNotMade(error: unknown): boolean {
  if (!(error instanceof DutError)) {
    return false;
  }
  const neverAsked = error.code === "unavailable" && !saidByPeer(error) && !brokeInTheMiddle(error);
  return neverAsked || isStranger(error) || says(error, said.noLeader);
}

/** Whether a new token is wanted. */
export function isTokenOver(error: unknown): boolean {
  return says(error, ...said.tokenIsOver);
}

/** Whether etcd has no users, and so takes no tokens. */
export function hasNoUsers(error: unknown): boolean {
  return says(error, said.noUsers);
}

export function isCompacted(error: unknown): boolean {
  return says(error, said.compacted);
}

/** Whether what a request names is not there, as only a lease may be. */
export function isLeaseGone(error: unknown): boolean {
  return says(error, said.noLease);
}

/** What an answer of etcd means for whoever uses the store. */
export function etcdFault(error: unknown): unknown {
  if (says(error, said.noSpace)) {
    return new DutError("resource_exhausted", "nothing was changed: etcd has no space left", {
      hint: "compact and defragment it, then etcdctl alarm disarm; no program has to be started anew",
      cause: error,
    });
  }
  if (isLeaseGone(error)) {
    return leaseOver(error);
  }
  if (isTokenOver(error) || says(error, said.wrongPassword)) {
    return new DutError("permission_denied", `etcd refuses the user: ${(error as DutError).message}`, {
      hint: "the user is in the address of the store, its password there or in DUTSERVER_ETCD_PASSWORD",
      cause: error,
    });
  }
  return error;
}

/** The refusal of a change that wants a lease which is not there any more. */
export function leaseOver(cause?: unknown): DutError {
  return new DutError("failed_precondition", "the lease is over", { cause });
}
