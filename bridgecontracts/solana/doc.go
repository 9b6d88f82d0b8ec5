// Package solana is the Trine bridge on Solana: the built program, and the way between Trine's own values and the
// program's accounts, instructions and records.
//
// The program is in program/, and README.md says to the byte what it offers. What is embedded here (artifact/) is built
// from it and committed, so that a user needs no Rust.
//
// Everything here is pure: bytes in, bytes out. What comes from a chain (account data, records) is taken for hostile:
// decoding it returns an error, never panics, and allocates no more than a small multiple of the input's size. Who owns an
// account and where a record was seen is the caller's to check.
//
// Addresses are words as everywhere in Trine: the 32 bytes of a key. SOL is [Native].
package solana
