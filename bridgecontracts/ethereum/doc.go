// Package ethereum is the Trine bridge on EVM chains: the compiled contract, and the way between Trine's own values and
// the contract's calls, events and errors.
//
// The contract is src/TrineBridge.sol, and src/ITrineBridge.sol says what it offers. What is committed and embedded here
// (artifact.json, the bindings, the zoo of test contracts) is made from the sources by `make generate`;
// `make check` builds again and compares byte by byte.
//
// Everything here is pure: bytes in, bytes out. What comes from a chain (logs, code, return and revert data) is taken
// for hostile: decoding it returns an error, never panics, and allocates no more than the input's size.
//
// Addresses are words as everywhere in Trine: 20 bytes, left-padded. The native coin is [Native].
package ethereum

//go:generate go run ./gen
