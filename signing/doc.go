// Package signing holds Trine's keys, signatures and the kinds of statement that keys sign.
//
// It promises that a signature says exactly one thing. Every digest starts with the
// tag of its [Kind], so a signature of one kind never verifies as another; signatures
// are unique (low s only, v 0 or 1), so they can be compared and stored as values.
//
// A [Payer] is another thing: the key of an account on an external chain, of whatever curve
// that chain wants, which pays there and signs nothing of Trine's.
//
// Members' keys are secp256k1: public keys have 33 bytes (SEC 1 compressed), signatures 65
// bytes r‖s‖v. A [Signer] may keep its key anywhere; see signing/filesigner. What a
// daemon signs with is always wrapped by signing/guard, which refuses to sign two
// statements for one [Slot].
//
// The package itself touches neither network nor disk.
package signing
