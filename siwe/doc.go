// Package siwe verifies Sign-In with Ethereum (EIP-4361) for a relying party.
//
// [Verify] takes a message, a signature and what was expected, and returns the
// account that signed or a typed [Error] that names the field. [Build] writes a
// message. The nonce is the relying party's: it issues one, and says in an
// [Expectation] which it recognises.
// Every kind of account is covered:
//
//   - externally owned accounts, by key recovery (EIP-191), which always comes
//     first and never needs the chain;
//   - contract wallets, by asking the wallet itself (ERC-1271); among them
//     accounts that have delegated to code (EIP-7702) and sign through it;
//   - contract wallets that are not deployed yet (ERC-6492).
//
// # What is checked
//
// The signature is verified over the bytes that were received. A text that would
// not be written again as the same bytes is refused: the wallet could have shown
// something other than what is acted on. Where
// siwe-go (github.com/spruceid/siwe-go) can write the same bytes, its
// verification of the key's signature decides, and its answer is compared with
// ours: a disagreement is refused. Domain,
// origin of the URI, scheme, version, chain, nonce, request id, issued-at,
// expiration and not-before are all compared with the [Expectation], which
// refuses everything that it does not allow.
//
// Of a key's signature, only the form with s in the lower half of the order and
// a recovery byte of 0, 1, 27 or 28 counts, so a second signature cannot be
// derived from one.
//
// # Contract wallets
//
// A contract wallet is asked over RPC, and the endpoint is trusted: use endpoints
// that you would also read balances from. Only an answer of exactly 32 bytes, the
// magic value and zeros, is a yes. Gas, time, size of the answer and the number
// of concurrent verifications are bounded. No call changes the chain.
//
// Three properties of contract wallets are outside of any verifier's control:
//
//   - A wallet decides which signatures it accepts. Some check their owner's
//     signature over the bare hash, and so accept what that owner signed for
//     another wallet of the same kind. The address in the message keeps them
//     apart: a message for one is never a proof for another.
//   - Another chain may have another owner's contract at the same address.
//     [Account.Subject] therefore names the chain.
//   - A wallet's owners change. A verification holds for the moment only.
//
// An account that has delegated to code is an externally owned account when its
// key signed, and a contract on the message's chain when only its code accepts
// the signature: two identities, see [Account.Subject].
//
// Not supported are approvals that a Safe's owners leave on the chain (an empty
// signature) and the call before the question that ERC-6492 allows for wallets
// that have code already.
//
// Nothing here reads a configuration or a global. Only [Contracts] uses the
// network, and only it reads a clock, for the health of its endpoints.
package siwe
