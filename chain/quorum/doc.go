// Package quorum makes one chain.Source of m endpoints' Sources, k of which must agree.
//
// It promises that fewer than k endpoints change nothing: every answer that leaves it
// was given, equal in every field, by k of them. That holds for absence and for a
// rewind too. An endpoint that fails has no vote, and its failure never lowers k.
// The one exception is what a bridge holds: that is the most of which k endpoints say that it is there.
//
// # Rules
//
// Head is the highest block that k endpoints each say is settled and give the same hash
// for: the numbers that endpoints name as their heads are tried from the k-th highest down,
// and on each the endpoints whose own head is at least that high vote with the block
// they have there. So an endpoint that lags or boasts moves nothing.
//
// Every other method asks k endpoints, and a further one each time an answer is missing, too
// late or different. In the normal case that costs k calls, whatever m is.
// Events are compared like everything else, although they could be checked
// against the counters' head from one endpoint: the head does not cover an event's
// transaction and block, which one liar could then choose. The head is the caller's own second check.
//
// # No delay by one bad endpoint
//
// An endpoint that fails, is outvoted or answers later than the hedge delay is asked after the others for a while
// ([Config.Penalty]), and nobody waits for it. So a bad endpoint costs the hedge delay once in
// that time.
//
// Errors name every endpoint and what it said, one per line: an error as it is, and of values what differs,
// in full. Names are what [Name] makes of a URL, without the parts in which providers put keys.
package quorum
