// Package bridgewatch is a member's own view of a bridge: what its own endpoints say,
// checked, stored, and never taken from another member.
//
// A [Reader] follows a bridge's events at finality and promises:
//
//   - Every event that it gives out is verified: the head recomputed over all events up to
//     it equals the contract's head at a settled block. Events that are read but not yet
//     covered by such a comparison are kept apart and are given out by no method.
//   - Events and cursor are one durable step; after a crash it goes on where it stood.
//   - What is verified is never overwritten. When the chain's settled history says
//     something else later, that is a [Contradiction], which names the event and both heads.
//
// [Reader.AttachVote] checks a bridge before a member votes to attach it. [Intents] keeps
// what an operator asked to attach.
//
// Listeners and approvers both stand on this package, each with endpoints, a key and a store
// of its own: [Member] is what they are made of alike, [Watch] a member's watch of one bridge,
// [Watches] all of them. [Watch.Retire] keeps the records of the member's guard bounded.
package bridgewatch
