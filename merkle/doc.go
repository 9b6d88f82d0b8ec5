// Package merkle is the state map of Trine: an immutable base-16 Merkle map from keys
// to values, with Ethereum's Modified Merkle Patricia Trie (yellow paper, appendix D)
// as node encoding and proof format.
//
// What it promises:
//
//   - A [Map] is a value. [Map.Put] and [Map.Delete] return a new Map and leave the old
//     one as it was; versions share every node that did not change, so cloning is
//     copying a few words and an update copies one path.
//   - Keys are hashed ([PathOf]) to find their place, so the tree is balanced whatever
//     keys an attacker chooses. It is what Ethereum calls a secure trie: roots and proofs
//     are those of a trie that holds keccak256(key) → value.
//   - Content decides the root: the same entries give the same [Map.Root] in whatever
//     order they were put, and an empty map has [EmptyRoot].
//   - Every method of a Map may be called from any number of goroutines at the same time,
//     also while others derive new versions from the same Map. Nodes are never changed
//     once they are reachable; what is filled in later (a computed hash, a loaded node,
//     the marks below) is published with atomics and says the same to everybody.
//   - Nodes that a Map was opened on are loaded by hash on first use, verified against
//     that hash and decoded strictly. A missing or corrupt one is a [NodeError].
//
// # Durability
//
// [Map.Unsaved] visits the nodes that no earlier [Map.MarkSaved] covered, children before
// parents. A store writes them in one batch, and calls MarkSaved on the same Map once that
// batch is durable. Versions made in between cost nothing: only what is reachable from the
// Map that is saved gets visited. If the batch fails, not calling MarkSaved is all there is
// to do.
//
// # Memory
//
// A Map counts generations. Every node remembers the last generation in which a Get, Put,
// Delete or Prove passed through it. [Map.Trim] ends a generation and replaces every saved
// node that was not touched in the last few ones, with all that hangs below it, by its bare
// hash; it comes back from the node source when it is needed. So after Trim(k) memory holds
// at most the nodes touched in k generations, their direct children as hashes, and what is
// not saved yet. Versions from before the Trim keep what they held until they are dropped.
//
// # Cost
//
// An update copies one node per level and hashes as many; at 10^6 entries that is about
// five levels, and roughly 20 permutations of keccak256 are what its new root costs at
// least. Branches of the upper three levels are hashed from where they changed on. Hashing a
// key is one permutation more: who reads and writes the same key takes [PathOf] once and uses
// the methods that end in At.
//
// The package is pure: no clock, disk, network or goroutine, and nothing depends on the
// order of a Go map.
package merkle
