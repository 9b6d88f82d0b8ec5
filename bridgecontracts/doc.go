// Package bridgecontracts fixes what passes between Trine and its bridges: events in,
// actions out, and the words and digests of both.
//
// The numbers of kinds and the fields of every digest are listed here once; ADR 0001
// says the same in prose, and testdata/vectors.json in examples that the contract
// tests of every chain check too. Adapters turn these values into a chain's own calls
// and back; nothing here knows a chain.
//
// The package is pure values.
package bridgecontracts
