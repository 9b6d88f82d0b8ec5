// Package guard keeps a key from signing two different things in one place.
//
// It promises, for one key and the store behind it, across crashes and restarts:
//
//   - Before a signature is made, its slot and digest are on the disk (store.Sync). So no
//     signature is ever outside that a restarted daemon does not remember.
//   - A slot that holds a digest is never signed with another: the answer is an error that
//     wraps signing.ErrDoubleSign and names the slot and both digests. The same digest may be
//     signed again as often as one likes, so a lost signature is no loss.
//   - Acknowledgements ([Guard.Ack]) form one line: each is for a block above, and descended
//     from, the one acknowledged before.
//   - What [Guard.Retire] has forgotten is refused for ever.
//
// Kinds that bind nobody when signed twice (transactions, key links, notices, alerts) pass
// without a record. Kinds that only ever stand inside other digests (domain, set, event) are
// refused.
//
// Many statements share one sync: those of one [Guard.SignAll], and those of concurrent calls
// as far as the store's commits share syncs.
//
// The guard takes the caller's word that a digest belongs to its slot: whoever builds a
// statement derives both from the same fields. A key has one Guard and one store at a time;
// the same key in two daemons with two folders is beyond what a guard can see.
package guard
