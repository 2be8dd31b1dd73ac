// Package recovery hands a ledger's secrets to those who may have them when no platform can unseal
// them: to k of n members together, each holding a share, and to another attested node.
//
// Everything that leaves the node is sealed with HPKE (RFC 9180) to a key that its reader made, with
// the hybrid KEM of ML-KEM-768 and X25519: what is copied today is not read by a quantum computer
// later. A Set holds the secrets under a key that is split among the members with Shamir's scheme
// (circl/secretsharing, over the scalars of ristretto255), and a commitment to each share, so that a bad one
// is refused when it comes and not when all of them fail together. See docs/adr/0024-keys-and-recovery.md.
//
// The package decides nothing about whom to trust: quotes are appraised by its callers.
package recovery
