// Package ens finds the primary ENS name and the avatar of an Ethereum account,
// for display, and the account of a name, for search. They must not decide
// anything: names change hands.
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
// Request handlers call [Resolver.Cached]: it answers from memory, and a worker
// asks the chain for what is not there. A resolver without endpoints, or a nil
// one, has no names. [Resolver.Resolve] finds the account of a name, and waits
// for the chain.
//
// # How a name is found
//
// A name is shown only if both sides confirm it, on Ethereum mainnet: the
// account names it in its reverse record (EIP-181, ENSIP-3), and the name's own
// resolver says that it is this account's address (EIP-137). The avatar is the
// name's text record of that key (ENSIP-12).
//
// The ENS registry is asked for each resolver, and the resolver for exactly the
// name's node. The Universal Resolver (ENSIP-23) would take fewer calls, but its
// code can be replaced by others, it always looks for wildcard resolvers
// (ENSIP-10), and for names that are not on the chain it usually answers with a
// gateway to ask (EIP-3668). Only the configured endpoints are ever contacted,
// never a gateway, and pictures are not fetched.
//
// So these names are not found: those that are off-chain or on another chain,
// those that a parent's wildcard resolver makes up, and default names for all
// chains (ENSIP-19), which need the Universal Resolver too.
//
// # What can be displayed
//
// A name is shown if it is normalised (ENSIP-15), and all its labels are ASCII.
// These need no tables of Unicode, cannot be confused with another script, and
// hold nothing that a page or a terminal could take for markup. Names in other
// scripts, and with emoji, are not shown.
//
// Of avatars only https URLs of public host names are passed on, for a browser
// to load; data, IPFS and NFT references are ignored. The host of an avatar sees
// who loads it: a page may prefer not to load it, or to use a proxy.
//
// Anyone can write a resolver. Its gas, its time and the size of its answer are
// bounded, and any failure in it means that there is no name.
package ens
