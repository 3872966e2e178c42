// Package siwe verifies Sign-In with Ethereum (EIP-4361) for a relying party.
//
// [Verify] takes a message, a signature and what was expected, and returns the
// account that signed or a typed [Error] that names the field. [Build] makes the
// message, [Nonces] makes and recognises the nonce in it without storing it.
// Every kind of account is covered:
//
//   - externally owned accounts, by key recovery (EIP-191); accounts that have
//     delegated their code (EIP-7702) are among them;
//   - contract wallets, by asking the wallet itself (ERC-1271);
//   - contract wallets that are not deployed yet (ERC-6492).
//
// What is verified is the bytes that were received. A text that is read in one
// way and would be written in another is refused, for then the wallet could have
// shown its user something else than what is acted on.
//
// Nothing here reads a clock, a configuration or a global. Only [Contracts] uses
// the network.
package siwe
