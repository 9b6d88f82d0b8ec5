// Package chaintest holds what tests of chains need: a scripted chain in memory, and the
// suite that every adapter must pass.
//
// [Chain] is an external chain with one bridge on it. Time stands still there unless a
// test calls Mine; Fork makes a reorganisation. It is reached through any number of
// [Endpoint]s, each of which can be spoiled: be down, hang, lag, lie, or leave events out.
// A [Source] or Sink on an endpoint behaves as a good adapter does.
//
// [TestSource] and [TestSink] are the suite. An adapter's test builds a [World] around a
// real node, with a proxy in between that knows how to spoil the node's answers, and
// hands it over:
//
//	func TestSourceSuite(t *testing.T) { chaintest.TestSource(t, newWorld) }
//
// What a chain cannot do (an old state, a fork on demand) its World declares in [Facts]
// or answers with [ErrCannot]; the suite then asks only for what is left. The suite
// itself is tested with mutants: adapters with one deliberate fault each, all of which
// it must catch.
//
// Used from tests only.
package chaintest
