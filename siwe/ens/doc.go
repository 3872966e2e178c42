// Package ens finds the primary ENS name and the avatar of an Ethereum account,
// to be displayed, and the account of a name, to search by. Nothing may be
// decided by them: a name changes hands.
//
//	resolver, err := ens.New([]string{"https://mainnet.example.com/key"}, ens.Options{})
//	if err != nil {
//		return err
//	}
//	defer resolver.Close()
//
//	profile, known := resolver.Cached(address) // at once, without the network
//	if known && profile.Name != "" {
//		show(profile.Name)
//	}
//
// [Resolver.Cached] is what a request handler calls: it answers from memory and
// lets a worker ask the chain for what it does not know. A resolver without
// endpoints, or a nil one, knows that nobody has a name. [Resolver.Resolve] goes
// the other way, by the name alone, and waits for the chain.
//
// # How a name is found
//
// A name is shown only if both sides agree to it, on Ethereum mainnet: the
// account names it in its reverse record (EIP-181, ENSIP-3), and the name's own
// resolver says that it is this account's address (EIP-137). The avatar is the
// name's text record of that key (ENSIP-12).
//
// The ENS registry is asked for each resolver, and the resolver as contracts
// are called, at exactly the name's node. The Universal Resolver (ENSIP-23)
// would take fewer calls, but its code can be replaced by others, it looks for
// wildcard resolvers (ENSIP-10) whether one wants it or not, and its usual answer
// for what is not on the chain is a gateway to ask (EIP-3668). Here nothing but
// the configured endpoints is ever contacted: no gateway, no picture.
//
// So these have no name here: names that live off-chain or on another chain,
// those that a parent's wildcard resolver makes up, and accounts that have set
// only a default name for all chains (ENSIP-19), which needs one too.
//
// # What can be displayed
//
// A name is shown if it is normalised (ENSIP-15), and all its labels are ASCII.
// These need no tables of Unicode, cannot be confused with another script, and
// hold nothing that a page or a terminal could take for markup. Names in other
// scripts, and with emoji, are not shown.
//
// Of avatars only https URLs of public host names are passed on, for a browser
// to load; data, IPFS and NFT references are ignored. Whoever sets an avatar
// learns who looks at it: a page may rather not load it, or through a proxy.
//
// Resolvers are contracts that anybody may write. Their gas, their time and the
// size of what they return are bounded, and whatever goes wrong in them means
// that there is no name.
package ens
