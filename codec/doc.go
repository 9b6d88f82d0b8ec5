// Package codec fixes how Trine turns values into bytes and bytes into hashes.
//
// It promises three things:
//
//   - Canonical bytes. [Marshal] writes Borsh (https://borsh.io); NEAR's borsh-go is
//     the reference, and tests hold every record against it. A value has exactly one
//     encoding, and [Unmarshal] refuses every other one, trailing bytes included.
//   - Bounded decoding. Every length prefix is checked against its field's own cap and
//     against the bytes that are left before anything is allocated for it. borsh-go
//     itself is not used to decode: it allocates what a length prefix says.
//   - Word hashing. What contracts recompute is hashed as 32-byte big-endian words
//     ([HashWords]), never as Borsh, so that it is cheap on Ethereum and the same on
//     every chain.
//
// A record describes its fields once, in a Borsh method that serves both directions,
// so that writing and reading cannot drift apart.
//
// The package is pure: no clock, disk, network or goroutine.
package codec
