package quorum

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trinebridge/trine/chain"
)

// mostParts is how many parts of a value an error shows: of hundreds of events that all differ, the first say enough.
const mostParts = 4

// differences returns, for each value, those of its parts that are not the same in all
// values; of values that are all the same (or of one alone) the first ones.
func differences(values [][]string) []string {
	longest := 0
	for _, v := range values {
		longest = max(longest, len(v))
	}
	var differ []int
	for i := range longest {
		if slices.ContainsFunc(values, func(v []string) bool { return part(v, i) != part(values[0], i) }) {
			differ = append(differ, i)
		}
	}
	if len(differ) == 0 {
		for i := range longest {
			differ = append(differ, i)
		}
	}
	more := ""
	if left := len(differ) - mostParts; left > 0 {
		differ, more = differ[:mostParts], fmt.Sprintf(", and %d more", left)
	}
	out := make([]string, len(values))
	for i, v := range values {
		var shown []string
		for _, d := range differ {
			shown = append(shown, part(v, d))
		}
		out[i] = strings.Join(shown, ", ") + more
		if len(shown) == 0 {
			out[i] = "nothing"
		}
	}
	return out
}

func part(value []string, i int) string {
	if i < len(value) {
		return value[i]
	}
	return "no more"
}

// The describe functions take a value into parts that hold all of it. Equal positions stand for the same thing.

func describeBlock(b chain.Block) []string {
	return []string{fmt.Sprintf("block %d with hash %s and time %d", b.Number, b.Hash, b.Time)}
}

func describeCounters(c chain.Counters) []string {
	return []string{
		fmt.Sprintf("event %d with head %s", c.EventID, c.Head), fmt.Sprintf("next action %d", c.NextAction), fmt.Sprintf("epoch %d", c.Epoch),
		fmt.Sprintf("pause sequence %d", c.PauseSequence), fmt.Sprintf("limit version %d", c.LimitVersion),
	}
}

func describeEvents(events []chain.LocatedEvent) (parts []string) {
	for i := range events {
		e := &events[i]
		parts = append(parts, fmt.Sprintf("event %d (%s, hash %s) in block %d by transaction %s",
			e.ID, strings.TrimPrefix(fmt.Sprintf("%T", e.Body), "*bridgecontracts."), e.Hash(), e.Block, e.Tx))
	}
	return parts
}

func describeSnapshot(s chain.Snapshot) []string {
	parts := append(describeCounters(s.Counters),
		fmt.Sprintf("domain %s", s.Domain), fmt.Sprintf("set %s", s.SetHash), fmt.Sprintf("code %s", s.CodeHash), fmt.Sprintf("start block %d", s.StartBlock))
	for _, t := range s.Tokens {
		parts = append(parts, fmt.Sprintf("token %s: limit %s per %d s of which %s used", t.Token, t.Capacity.Dec(), t.Window, t.Level.Dec()),
			fmt.Sprintf("token %s: holds %s", t.Token, t.Held.Dec()))
	}
	return parts
}
